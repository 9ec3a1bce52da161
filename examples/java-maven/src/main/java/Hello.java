import java.time.ZoneId;
import java.time.ZonedDateTime;

/** Greets, and says what time it is where: java Hello Asia/Tokyo */
public class Hello {
    public static void main(String[] args) {
        String zone = args.length > 0 ? args[0] : "UTC";
        System.out.println("Grüße aus Java " + Runtime.version().feature() + ", " + zone + " "
            + ZonedDateTime.now(ZoneId.of(zone)).getOffset());
    }
}
