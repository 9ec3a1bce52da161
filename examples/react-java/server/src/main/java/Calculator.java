import java.math.BigDecimal;
import java.math.MathContext;

/** Two numbers and a sign between them. */
final class Calculator {
    private Calculator() {}

    static String calculate(String text) {
        String[] words = text.trim().split("\\s+");
        if (words.length != 3) throw new IllegalArgumentException("a calculation is like 6 x 7");
        BigDecimal left = new BigDecimal(words[0]);
        BigDecimal right = new BigDecimal(words[2]);
        return switch (words[1]) {
            case "+" -> left.add(right).toPlainString();
            case "-" -> left.subtract(right).toPlainString();
            case "x" -> left.multiply(right).toPlainString();
            case "/" -> left.divide(right, MathContext.DECIMAL64).toPlainString();
            default -> throw new IllegalArgumentException("a sign is one of + - x /");
        };
    }
}
