import static org.junit.Assert.assertTrue;

import org.junit.Test;

public class HelloTest {
    @Test
    public void saysHowFarTokyoIs() {
        assertTrue(Hello.greeting("Asia/Tokyo").endsWith(", Asia/Tokyo +09:00"));
    }
}
