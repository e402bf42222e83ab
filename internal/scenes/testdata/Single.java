import java.net.*;

/** Single.java ADDRESS PORT: one thread reads from one client after the other until it closes. */
public class Single {
    public static void main(String[] args) throws Exception {
        var server = new ServerSocket(Integer.parseInt(args[1]), 100, InetAddress.getByName(args[0]));
        while (true) {
            try (var connection = server.accept()) {
                connection.getInputStream().readAllBytes();
            }
        }
    }
}
