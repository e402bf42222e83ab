import com.sun.net.httpserver.*;
import java.net.*;
import java.util.concurrent.*;

/** Pool.java ADDRESS PORT: two threads serve; /much answers 8 MB, and two requests for /cross at a time wait for each other. */
public class Pool {
    static final Object[] locks = {new Object(), new Object()};
    static final CyclicBarrier both = new CyclicBarrier(2);

    static void cross() {
        try {
            int mine = both.await();
            synchronized (locks[mine]) {
                both.await();
                synchronized (locks[1 - mine]) {
                }
            }
        } catch (InterruptedException | BrokenBarrierException e) {
            throw new IllegalStateException(e);
        }
    }

    public static void main(String[] args) throws Exception {
        var server = HttpServer.create(new InetSocketAddress(args[0], Integer.parseInt(args[1])), 100);
        server.setExecutor(Executors.newFixedThreadPool(2));
        server.createContext("/", exchange -> {
            var answer = new byte[exchange.getRequestURI().getPath().equals("/much") ? 8_000_000 : 2];
            exchange.sendResponseHeaders(200, answer.length);
            exchange.getResponseBody().write(answer);
            exchange.close();
        });
        server.createContext("/cross", exchange -> {
            cross();
            exchange.close();
        });
        server.start();
    }
}
