package io.hubrelay;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.AccessMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Connects to the relay's socket, and says what is wrong if that fails. */
final class RelaySocket {
    /** The longest path in an address on Linux. On macOS and the BSDs it is 103, and connecting fails beyond that. */
    static final int MAX_PATH_BYTES = 107;

    private RelaySocket() {
    }

    /** Returns a connected socket that does not block. An exception's message has the path and the error of connect. */
    static SocketChannel connect(UnixDomainSocketAddress address) throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            channel.configureBlocking(false); // before connect, which would wait while the relay does not accept
            if (!channel.connect(address)) {
                throw new IOException("the relay does not accept connections: too many wait for that");
            }
            return channel;
        } catch (IOException e) {
            channel.close();
            Path path = address.getPath();
            String who = isDenied(path) ? " (" + whoIsDenied(path) + ')' : "";
            throw new IOException("connect " + path + ": " + e.getMessage() + who, e);
        } catch (Throwable e) {
            channel.close();
            throw e;
        }
    }

    /**
     * Whether this process may not use the socket. The message of connect cannot say so: it is in the system's
     * language.
     */
    private static boolean isDenied(Path path) {
        try {
            path.getFileSystem().provider().checkAccess(path, AccessMode.WRITE);
            return false;
        } catch (AccessDeniedException e) {
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    /** This process's user and groups, and the socket's owner and mode as far as this process can read them. */
    private static String whoIsDenied(Path path) {
        String process = "this process has " + identity();
        try {
            Map<String, Object> socket = Files.readAttributes(path, "unix:uid,gid,mode");
            return process + "; the socket has uid " + socket.get("uid") + ", gid " + socket.get("gid") + " and mode "
                    + Integer.toOctalString((Integer) socket.get("mode") & 0xfff);
        } catch (IOException | UnsupportedOperationException e) {
            return process + "; the socket's folder cannot be looked into";
        }
    }

    /** The user and groups. The JVM does not know uid and groups; Linux does. */
    private static String identity() {
        try {
            List<String> lines = Files.readAllLines(Path.of("/proc/self/status"));
            return "uid " + effective(lines, "Uid:") + ", gid " + effective(lines, "Gid:") + " and groups "
                    + all(lines, "Groups:");
        } catch (IOException e) {
            return "user " + System.getProperty("user.name");
        }
    }

    private static String all(List<String> lines, String field) {
        return lines.stream().filter(line -> line.startsWith(field))
                .map(line -> line.substring(field.length()).trim()).findFirst().orElse("?");
    }

    private static String effective(List<String> lines, String field) {
        String[] ids = all(lines, field).split("\\s+");
        return ids.length > 1 ? ids[1] : ids[0];
    }
}
