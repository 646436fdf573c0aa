import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.hubrelay.DeliveryUnknownException;
import io.hubrelay.HubrelayClient;
import io.hubrelay.HubrelayException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executors;

/**
 * The web server of a pair: a request publishes, and the socket servers, on any number of hosts, bring it to everybody
 * who listens there.
 *
 * <pre>
 * java -cp classes examples/WebRequest.java --relay /tmp/chat.sock --listen 127.0.0.1:7002
 * curl --data hello http://127.0.0.1:7002/rooms/lobby
 * </pre>
 */
public final class WebRequest {
    private static final int LONGEST = 64 << 10; // bytes of a message

    private final HubrelayClient client;

    private WebRequest(HubrelayClient client) {
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
        String address = "127.0.0.1:7002";
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
        HubrelayClient client = HubrelayClient.open(path, "webrequest");
        server.createContext("/rooms/", new WebRequest(client)::say);
        server.setExecutor(Executors.newCachedThreadPool());
        server.start();
        System.out.println("listening on " + server.getAddress());
        Runtime.getRuntime().addShutdownHook(new Thread(client::close));
    }

    /** Publishes the body of POST /rooms/NAME. The answer is 503 where it was not, or perhaps not, sent. */
    private void say(HttpExchange request) throws IOException {
        try (request) {
            String room = request.getRequestURI().getPath().substring("/rooms/".length());
            byte[] text = request.getRequestBody().readNBytes(LONGEST + 1);
            if (!request.getRequestMethod().equals("POST")) {
                answer(request, 405, "POST /rooms/NAME");
            } else if (text.length > LONGEST) {
                answer(request, 413, "a message has at most " + LONGEST + " bytes");
            } else {
                publish(request, room, text);
            }
        }
    }

    private void publish(HttpExchange request, String room, byte[] text) throws IOException {
        try {
            client.publish("room." + room, text);
            answer(request, 200, "sent");
        } catch (DeliveryUnknownException e) {
            answer(request, 503, "perhaps sent: " + e.getMessage());
        } catch (HubrelayException e) {
            answer(request, 503, "not sent: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void answer(HttpExchange request, int status, String text) throws IOException {
        byte[] body = (text + "\n").getBytes(StandardCharsets.UTF_8);
        request.getResponseHeaders().set("Content-Type", "text/plain; charset=utf-8");
        request.sendResponseHeaders(status, body.length);
        request.getResponseBody().write(body);
    }
}
