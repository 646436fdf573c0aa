package io.hubrelay;

import io.hubrelay.testing.Assert;
import io.hubrelay.testing.FakeRelay;
import io.hubrelay.testing.Test;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;

/** The examples of the README, compiled and run on a relay in memory. */
final class ReadmeTest {
    private static final Pattern EXAMPLE = Pattern.compile("```java\\n(.*?)```", Pattern.DOTALL);

    /** What the examples use and do not define. */
    private static final String BEFORE = """
            import io.hubrelay.*;
            import io.hubrelay.testing.*;
            import java.time.Duration;
            import java.util.concurrent.*;
            public class Example%d {
                interface Socket { void send(byte[] bytes); void resync(); void close(); }
                static HubrelayClient given;
                public static void run(HubrelayClient aClient, Executor executor, BlockingQueue<String> sent)
                        throws Exception {
                    Socket socket = new Socket() {
                        public void send(byte[] bytes) { sent.add(new String(bytes)); }
                        public void resync() { sent.add("resync"); }
                        public void close() { sent.add("close"); }
                    };
                    %s
            """;

    @Test
    void theExamplesRun() throws Exception {
        List<String> examples = EXAMPLE.matcher(Files.readString(Path.of("README.md"))).results()
                .map(match -> match.group(1)).toList();
        Assert.equal(4, examples.size());
        Path folder = Files.createTempDirectory("hubrelay-readme");
        ExecutorService executor = Executors.newSingleThreadExecutor();
        try (FakeRelay relay = FakeRelay.start(); HubrelayClient client = relay.client("readme")) {
            String path = relay.path();
            opens(folder, examples.get(0).replace("/run/hubrelay/hubrelay.sock", path)
                    .replace("\"worker-1\");", "\"worker-1\"); client.ready(Duration.ofSeconds(30));"), executor);
            Example loop = new Example(folder, 1, "HubrelayClient client = aClient;", examples.get(1));
            Thread thread = new Thread(() -> loop.run(client, executor));
            thread.start();
            Assert.eventually(() -> publishes(client), "nobody listens");
            thread.interrupt();
            thread.join();
            new Example(folder, 2, "", examples.get(2).replace("/run/hubrelay/hubrelay.sock", path)
                    + "client.close();").run(client, executor);
            new Example(folder, 3, "", examples.get(3)).run(client, executor);
        } finally {
            executor.shutdownNow();
            try (var files = Files.list(folder)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(folder);
        }
    }

    private static void opens(Path folder, String text, ExecutorService executor) throws Exception {
        Example example = new Example(folder, 0, "", text + "\nif (receivers != 1) throw new Error(\"\" + receivers);");
        example.run(null, executor);
        Assert.equal("hello", example.sent.take());
    }

    private static boolean publishes(HubrelayClient client) {
        try {
            return client.publish("room.7", "hello") == 2; // the first example listens, too
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** One example as a class. */
    private static final class Example {
        private final Class<?> compiled;
        private final BlockingQueue<String> sent =
                new LinkedBlockingQueue<>();

        Example(Path folder, int number, String given, String text) throws Exception {
            Path source = folder.resolve("Example" + number + ".java");
            Files.writeString(source, String.format(BEFORE, number, given) + text + "}}");
            StringWriter said = new StringWriter();
            PrintWriter writer = new PrintWriter(said);
            int code = ToolProvider.findFirst("javac").orElseThrow().run(writer, writer, "-d", folder.toString(), "-cp",
                    System.getProperty("java.class.path"), source.toString());
            Assert.that(code == 0, said.toString());
            compiled = new URLClassLoader(new URL[] {folder.toUri().toURL()})
                    .loadClass("Example" + number);
        }

        void run(HubrelayClient client, ExecutorService executor) {
            try {
                compiled.getMethod("run", HubrelayClient.class, Executor.class,
                        BlockingQueue.class).invoke(null, client, executor, sent);
            } catch (ReflectiveOperationException e) {
                throw new AssertionError(e.getCause() == null ? e : e.getCause());
            }
        }
    }
}
