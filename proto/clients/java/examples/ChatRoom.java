import io.hubrelay.DeliveryUnknownException;
import io.hubrelay.Event;
import io.hubrelay.Gap;
import io.hubrelay.HubrelayClient;
import io.hubrelay.HubrelayException;
import io.hubrelay.Loss;
import io.hubrelay.Message;
import io.hubrelay.Revoked;
import io.hubrelay.Subscription;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/**
 * A chat server for nc or telnet, of which any number may run, on any number of hosts, beside one relay each:
 *
 * <pre>
 * java -cp classes examples/ChatRoom.java --relay /tmp/chat.sock --listen 127.0.0.1:7001
 * nc 127.0.0.1 7001
 * </pre>
 *
 * <p>The first line that is typed is the name of a room, the others are said there.
 */
public final class ChatRoom {
    private final HubrelayClient client;

    private ChatRoom(HubrelayClient client) {
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
        String address = "127.0.0.1:7001";
        for (int i = 0; i + 1 < arguments.length; i += 2) {
            switch (arguments[i]) {
                case "--relay" -> path = arguments[i + 1];
                case "--listen" -> address = arguments[i + 1];
                default -> throw new IllegalArgumentException("no option " + arguments[i]);
            }
        }
        int colon = address.lastIndexOf(':');
        InetSocketAddress listen =
                new InetSocketAddress(address.substring(0, colon), Integer.parseInt(address.substring(colon + 1)));
        try (HubrelayClient client = HubrelayClient.open(path, "chatroom"); ServerSocket server = new ServerSocket()) {
            server.bind(listen);
            System.out.println("listening on " + server.getLocalSocketAddress());
            Runtime.getRuntime().addShutdownHook(new Thread(client::close));
            new ChatRoom(client).serve(server);
        }
    }

    /** Takes guests for ever: a thread for each. */
    private void serve(ServerSocket server) throws IOException {
        while (true) {
            Socket guest = server.accept();
            start(() -> host(guest));
        }
    }

    private static void start(Runnable task) {
        Thread thread = new Thread(task);
        thread.setDaemon(true);
        thread.start();
    }

    /** Serves one guest, to the end. */
    private void host(Socket guest) {
        try (guest; BufferedReader lines =
                new BufferedReader(new InputStreamReader(guest.getInputStream(), StandardCharsets.UTF_8))) {
            String name = lines.readLine();
            if (name != null) {
                talk(guest, lines, "room." + name);
            }
        } catch (IOException e) {
            System.err.println("a guest has left: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void talk(Socket guest, BufferedReader lines, String channel) throws IOException, InterruptedException {
        OutputStream output = guest.getOutputStream();
        try (Subscription room = client.listen(channel)) {
            start(() -> deliver(room, output));
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                say(channel, line, output);
            }
        } catch (HubrelayException e) {
            write(output, "* " + e.getMessage());
        }
    }

    private void say(String channel, String line, OutputStream output) throws IOException, InterruptedException {
        try {
            client.publish(channel, line);
        } catch (DeliveryUnknownException e) {
            write(output, "* that may have been said, or not");
        } catch (HubrelayException e) {
            write(output, "* that was not said: " + e.getMessage());
        }
    }

    /** Brings a guest what is said in the room. A guest who does not read gets a Loss, and disturbs nobody. */
    private static void deliver(Subscription room, OutputStream output) {
        try {
            for (Event event : room) {
                if (event instanceof Message message) {
                    write(output, message.text());
                } else if (event instanceof Gap gap) {
                    write(output, "* something may be missing here: " + gap);
                } else if (event instanceof Loss loss) {
                    write(output, "* " + loss.messages() + " messages are missing here");
                } else if (event instanceof Revoked revoked) {
                    write(output, "* this room is closed: " + revoked.detail());
                }
            }
        } catch (IOException e) {
            room.close(); // the guest has left
        }
    }

    private static void write(OutputStream output, String line) throws IOException {
        output.write((line + "\n").getBytes(StandardCharsets.UTF_8));
    }
}
