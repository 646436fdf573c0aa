import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.hubrelay.Event;
import io.hubrelay.Gap;
import io.hubrelay.HubrelayClient;
import io.hubrelay.HubrelayException;
import io.hubrelay.Loss;
import io.hubrelay.Message;
import io.hubrelay.Revoked;
import io.hubrelay.Subscription;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executors;

/**
 * The socket server of a pair: it holds the sockets of those who listen, and brings them what a web request has
 * published on any host. Any number may run, beside one relay each.
 *
 * <pre>
 * java -cp classes examples/SocketServer.java --relay /tmp/chat.sock --listen 127.0.0.1:7003
 * curl --no-buffer http://127.0.0.1:7003/rooms/lobby
 * </pre>
 *
 * <p>The sockets are server-sent events, so a page listens by {@code new EventSource("/rooms/lobby")}.
 */
public final class SocketServer {
    private final HubrelayClient client;

    private SocketServer(HubrelayClient client) {
        this.client = client;
    }

    /**
     * Runs the server.
     *
     * @param arguments {@code --relay PATH} and {@code --listen HOST:PORT}
     * @throws IOException if the address cannot be listened at
     */
    public static void main(String[] arguments) throws IOException {
        String path = "/run/hubrelay/hubrelay.sock";
        String address = "127.0.0.1:7003";
        for (int i = 0; i + 1 < arguments.length; i += 2) {
            switch (arguments[i]) {
                case "--relay" -> path = arguments[i + 1];
                case "--listen" -> address = arguments[i + 1];
                default -> throw new IllegalArgumentException("no option " + arguments[i]);
            }
        }
        int colon = address.lastIndexOf(':');
        HttpServer server = HttpServer.create(
                new InetSocketAddress(address.substring(0, colon), Integer.parseInt(address.substring(colon + 1))), 0);
        HubrelayClient client = HubrelayClient.open(path, "socketserver");
        server.createContext("/rooms/", new SocketServer(client)::hear);
        server.setExecutor(Executors.newCachedThreadPool()); // a thread for each who listens
        server.start();
        System.out.println("listening on " + server.getAddress());
        Runtime.getRuntime().addShutdownHook(new Thread(client::close));
    }

    /** Brings GET /rooms/NAME what is said there. The relay is asked for a room once, however many listen. */
    private void hear(HttpExchange request) throws IOException {
        String room = request.getRequestURI().getPath().substring("/rooms/".length());
        try (request) {
            deliver(request, "room." + room);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void deliver(HttpExchange request, String channel) throws IOException, InterruptedException {
        try (Subscription room = client.listen(channel)) {
            request.getResponseHeaders().set("Content-Type", "text/event-stream");
            request.getResponseHeaders().set("Cache-Control", "no-store");
            request.sendResponseHeaders(200, 0); // as long as it takes
            OutputStream page = request.getResponseBody();
            page.flush();
            for (Event event : room) {
                page.write(written(event).getBytes(StandardCharsets.UTF_8));
                page.flush(); // fails once the page has left
            }
        } catch (HubrelayException e) {
            request.sendResponseHeaders(503, -1);
        }
    }

    /** What a page is told. One that hears "gap" reads again what it must not miss. */
    private static String written(Event event) {
        if (event instanceof Message message) {
            return "data: " + message.text().replace("\n", "\ndata: ") + "\n\n";
        } else if (event instanceof Gap) {
            return "event: gap\ndata: something may be missing here\n\n";
        } else if (event instanceof Loss loss) {
            return "event: loss\ndata: " + loss.messages() + " messages are missing here\n\n";
        } else if (event instanceof Revoked) {
            return "event: closed\ndata: this room is closed\n\n";
        }
        return ""; // a kind of event of a later version
    }
}
