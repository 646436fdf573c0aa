package io.hubrelay;

import io.hubrelay.testing.Assert;
import io.hubrelay.testing.FakeRelay;
import io.hubrelay.testing.Test;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The chat room of the examples, twice: guests of two servers meet. */
final class ExampleTest {
    private static final Path EXAMPLE = Path.of("examples", "ChatRoom.java");

    @Test
    void guestsOfTwoServersMeetInARoom() throws Exception {
        List<Process> servers = new ArrayList<>();
        try (FakeRelay relay = FakeRelay.start()) {
            List<Socket> guests = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                servers.add(start(relay.path()));
            }
            for (Process server : servers) {
                String line = lines(server.getInputStream()).readLine();
                Assert.that(line != null && line.startsWith("listening on"), "it says " + line);
                guests.add(new Socket("127.0.0.1", Integer.parseInt(line.substring(line.lastIndexOf(':') + 1))));
            }
            for (Socket guest : guests) {
                guest.setSoTimeout(30_000);
                say(guest, "lobby");
                say(guest, "hello");
                hear(guest, "hello"); // so he has entered
            }
            say(guests.get(1), "how are you, höre?");
            hear(guests.get(0), "how are you, höre?");
            for (Socket guest : guests) {
                guest.close();
            }
        } finally {
            servers.forEach(Process::destroy);
        }
    }

    private static Process start(String path) throws IOException {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        return new ProcessBuilder(java, "-XX:TieredStopAtLevel=1", "-cp", System.getProperty("java.class.path"),
                EXAMPLE.toString(), "--relay", path, "--listen", "127.0.0.1:0")
                .redirectError(ProcessBuilder.Redirect.DISCARD).start();
    }

    private static BufferedReader lines(InputStream input) {
        return new BufferedReader(new InputStreamReader(input, StandardCharsets.UTF_8));
    }

    private static void say(Socket guest, String line) throws IOException {
        guest.getOutputStream().write((line + "\n").getBytes(StandardCharsets.UTF_8));
    }

    private static void hear(Socket guest, String expected) throws IOException {
        BufferedReader lines = lines(guest.getInputStream());
        String line = lines.readLine();
        while (!expected.equals(line)) {
            Assert.that(line != null, "the server has closed");
            line = lines.readLine();
        }
    }
}
