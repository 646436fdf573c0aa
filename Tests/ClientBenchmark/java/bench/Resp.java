package bench;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URI;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

/** A connection to Redis without a library: RESP over a blocking socket, as Jedis does it. One thread uses it. */
final class Resp {
    private static final int BUFFER_BYTES = 8192;
    private static final byte[] CRLF = {'\r', '\n'};

    private final InputStream input;
    private final OutputStream output;
    private final ByteArrayOutputStream buffer = new ByteArrayOutputStream(BUFFER_BYTES);

    Resp(String address) throws IOException {
        if (address.startsWith("unix://")) {
            SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(address.substring(7)));
            input = new BufferedInputStream(Channels.newInputStream(channel), BUFFER_BYTES);
            output = Channels.newOutputStream(channel);
        } else {
            URI uri = URI.create(address);
            Socket socket = new Socket(uri.getHost(), uri.getPort());
            socket.setTcpNoDelay(true);
            input = new BufferedInputStream(socket.getInputStream(), BUFFER_BYTES);
            output = socket.getOutputStream();
        }
    }

    /** Adds a command. {@link #flush} writes it. */
    void command(byte[]... words) {
        buffer.write('*');
        number(words.length);
        for (byte[] word : words) {
            buffer.write('$');
            number(word.length);
            buffer.writeBytes(word);
            buffer.writeBytes(CRLF);
        }
    }

    private void number(int value) {
        buffer.writeBytes(Integer.toString(value).getBytes(StandardCharsets.ISO_8859_1));
        buffer.writeBytes(CRLF);
    }

    void flush() throws IOException {
        buffer.writeTo(output);
        buffer.reset();
    }

    /** The next answer: a Long, a byte[], or an array of these. */
    Object read() throws IOException {
        int kind = input.read();
        long value = line(kind);
        switch (kind) {
            case ':':
                return value;
            case '$':
                byte[] bytes = input.readNBytes((int) value);
                input.skipNBytes(2);
                return bytes;
            case '*':
                Object[] array = new Object[(int) value];
                for (int i = 0; i < array.length; i++) {
                    array[i] = read();
                }
                return array;
            default:
                throw new IOException("Redis has answered with " + (char) kind);
        }
    }

    /** Whether there are bytes that need no waiting for. */
    boolean hasMore() throws IOException {
        return input.available() > 0;
    }

    private long line(int kind) throws IOException {
        long value = 0;
        for (int c = input.read(); c != '\r'; c = input.read()) {
            if (c < '0' || c > '9') {
                throw new IOException("Redis has answered with " + (char) kind + (char) c);
            }
            value = value * 10 + c - '0';
        }
        input.skipNBytes(1);
        return value;
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
