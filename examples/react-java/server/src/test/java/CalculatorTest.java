import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;

import org.junit.Test;

public class CalculatorTest {
    @Test
    public void calculates() {
        assertEquals("42", Calculator.calculate("6 x 7"));
        assertEquals("0.3333333333333333", Calculator.calculate("1 / 3"));
        assertThrows(ArithmeticException.class, () -> Calculator.calculate("1 / 0"));
        assertThrows(IllegalArgumentException.class, () -> Calculator.calculate("six"));
    }
}
