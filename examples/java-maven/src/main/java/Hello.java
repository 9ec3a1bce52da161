import java.time.Instant;
import java.time.ZoneId;

/** Greets, and says how far a zone is from UTC: java -jar hello.jar Asia/Tokyo */
public class Hello {
    public static void main(String[] args) {
        System.out.println(greeting(args.length > 0 ? args[0] : "UTC"));
    }

    static String greeting(String zone) {
        var offset = ZoneId.of(zone).getRules().getOffset(Instant.now());
        return "Grüße aus Java " + Runtime.version().feature() + ", " + zone + " " + offset;
    }
}
