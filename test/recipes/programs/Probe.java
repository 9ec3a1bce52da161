import java.io.FileInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.Charset;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;

/** Fetches over TLS with and without trust, counts the authorities it was given, and says charset and zone. */
public class Probe {
    public static void main(String[] args) throws Exception {
        URI address = URI.create(args[0]);
        HttpRequest request = HttpRequest.newBuilder(address).build();
        try {
            HttpClient.newHttpClient().send(request, BodyHandlers.ofString());
        } catch (SSLHandshakeException expected) {
            System.out.println("untrusted");
        }
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null, null);
        try (FileInputStream file = new FileInputStream("/app/server.pem")) {
            trusted.setCertificateEntry("own", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, factory.getTrustManagers(), null);
        HttpClient client = HttpClient.newBuilder().sslContext(context).build();
        System.out.println(client.send(request, BodyHandlers.ofString()).body());
        factory.init((KeyStore) null);
        System.out.println(((X509TrustManager) factory.getTrustManagers()[0]).getAcceptedIssuers().length > 100);
        System.out.println(Charset.defaultCharset() + " Grüße "
            + ZonedDateTime.of(2026, 7, 1, 0, 0, 0, 0, ZoneId.of("Europe/Berlin")).getOffset());
        try {
            new ProcessBuilder("sh").start();
            System.out.println("shell");
        } catch (IOException expected) {
            System.out.println("no shell");
        }
    }
}
