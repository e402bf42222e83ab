import com.sun.net.httpserver.*;
import java.net.*;
import java.util.concurrent.*;

/** Pool.java ADDRESS PORT: two threads serve; /much answers 8 MB. */
public class Pool {
    public static void main(String[] args) throws Exception {
        var server = HttpServer.create(new InetSocketAddress(args[0], Integer.parseInt(args[1])), 100);
        server.setExecutor(Executors.newFixedThreadPool(2));
        server.createContext("/", exchange -> {
            var answer = new byte[exchange.getRequestURI().getPath().equals("/much") ? 8_000_000 : 2];
            exchange.sendResponseHeaders(200, answer.length);
            exchange.getResponseBody().write(answer);
            exchange.close();
        });
        server.start();
    }
}
