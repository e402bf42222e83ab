import java.net.*;
import java.util.*;

/** Leak.java - ADDRESS PORT: reads to the end and never closes. */
public class Leak {
    public static void main(String[] args) throws Exception {
        var server = new ServerSocket(Integer.parseInt(args[2]), 100, InetAddress.getByName(args[1]));
        for (var kept = new ArrayList<Socket>();;) {
            var connection = server.accept();
            connection.getInputStream().readAllBytes();
            kept.add(connection);
        }
    }
}
