import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Executors;

/** Serves the page of a directory, and answers /api/calculate?q=6+x+7: java -jar server.jar DIRECTORY */
public final class Server {
    private static final Map<String, String> TYPES =
        Map.of("/index.html", "text/html; charset=utf-8", "/main.js", "text/javascript; charset=utf-8");

    private Server() {}

    public static void main(String[] args) throws IOException {
        Path page = Path.of(args[0]);
        HttpServer server = HttpServer.create(new InetSocketAddress(8080), 0);
        server.setExecutor(Executors.newFixedThreadPool(4));
        server.createContext("/api/calculate", Server::calculate);
        server.createContext("/", exchange -> serve(exchange, page));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> server.stop(0)));
        server.start();
    }

    private static void calculate(HttpExchange exchange) throws IOException {
        String query = exchange.getRequestURI().getRawQuery();
        try {
            if (query == null || !query.startsWith("q=")) throw new IllegalArgumentException("q is missing");
            String answer = Calculator.calculate(URLDecoder.decode(query.substring(2), "UTF-8"));
            answer(exchange, 200, "text/plain", answer.getBytes());
        } catch (IllegalArgumentException | ArithmeticException problem) {
            answer(exchange, 400, "text/plain", String.valueOf(problem.getMessage()).getBytes());
        }
    }

    private static void serve(HttpExchange exchange, Path page) throws IOException {
        String path = exchange.getRequestURI().getPath();
        String name = path.equals("/") ? "/index.html" : path;
        String type = TYPES.get(name);
        if (type == null) answer(exchange, 404, "text/plain", "not found".getBytes());
        else answer(exchange, 200, type, Files.readAllBytes(page.resolve(name.substring(1))));
    }

    private static void answer(HttpExchange exchange, int status, String type, byte[] body) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", type);
        exchange.sendResponseHeaders(status, body.length);
        try (var stream = exchange.getResponseBody()) {
            stream.write(body);
        }
    }
}
