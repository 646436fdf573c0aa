package io.hubrelay.wire;

import io.hubrelay.testing.Assert;
import io.hubrelay.testing.Json;
import io.hubrelay.testing.Test;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** The codec by all of the project's vectors. */
final class VectorsTest {
    private static final Path VECTORS = Path.of(System.getProperty("hubrelay.vectors", "../../vectors"));
    private static final List<String> KINDS =
            List.of("", "welcome", "message", "reply", "status", "loss", "error", "revoked");

    @SuppressWarnings("unchecked")
    private static List<Map<String, Object>> read(String file, String key) {
        try {
            String text = Files.readString(VECTORS.resolve(file));
            return (List<Map<String, Object>>) ((Map<String, Object>) Json.parse(text)).get(key);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static byte[] hex(Object text) {
        return HexFormat.of().parseHex((String) text);
    }

    private static String hex(FrameBuffer buffer) {
        return HexFormat.of().formatHex(buffer.array(), Protocol.HEADER_BYTES, buffer.length());
    }

    @Test
    void relayFramesAreDecoded() {
        List<Map<String, Object>> vectors = read("relay-frames.json", "vectors");
        for (Map<String, Object> vector : vectors) {
            Object decoded;
            byte[] body = hex(vector.get("body"));
            try {
                // In the middle of an array, as it is in the buffer of a connection.
                byte[] data = new byte[body.length + 20];
                Arrays.fill(data, (byte) 0xff);
                System.arraycopy(body, 0, data, 10, body.length);
                decoded = describe(new RelayDecoder().decode(data, 10, 10 + body.length));
            } catch (MalformedFrameException e) {
                decoded = "CODE_MALFORMED";
            }
            Object expected = vector.containsKey("error") ? vector.get("error") : normal(vector.get("frame"));
            if (!equal(expected, decoded)) {
                throw new AssertionError(vector.get("name") + ": expected " + expected + ", and it is " + decoded);
            }
        }
        Assert.that(vectors.size() > 400, "there are vectors");
    }

    @Test
    void oneDecoderReadsFramesOneAfterTheOther() throws MalformedFrameException {
        RelayDecoder decoder = new RelayDecoder();
        for (Map<String, Object> vector : read("relay-frames.json", "vectors")) {
            if (vector.get("frame") == null) {
                continue;
            }
            byte[] body = hex(vector.get("body"));
            Assert.equal(describe(new RelayDecoder().decode(body, 0, body.length)).toString(),
                    describe(decoder.decode(body, 0, body.length)).toString());
        }
    }

    @Test
    void canonicalRelayFramesAreEncodedAsTheyWere() throws MalformedFrameException {
        int count = 0;
        for (Map<String, Object> vector : read("relay-frames.json", "vectors")) {
            if (vector.get("canonical") != Boolean.TRUE || isBeyondLong(vector.get("frame"))) {
                continue;
            }
            byte[] body = hex(vector.get("body"));
            FrameBuffer buffer = new FrameBuffer();
            RelayEncoder.encode(buffer, new RelayDecoder().decode(body, 0, body.length));
            Assert.equal(vector.get("name") + " " + vector.get("body"), vector.get("name") + " " + hex(buffer));
            count++;
        }
        Assert.that(count > 50, "there are vectors");
    }

    private static boolean isBeyondLong(Object frame) {
        return Pattern.compile("=([0-9]{19,20})[,}]").matcher(frame.toString()).results()
                .anyMatch(match -> new BigInteger(match.group(1)).bitLength() > 63);
    }

    @Test
    void clientFramesAreDecoded() {
        for (Map<String, Object> vector : read("client-frames.json", "vectors")) {
            Object decoded;
            try {
                decoded = describe(ClientFrame.decode(hex(vector.get("body"))));
            } catch (MalformedFrameException e) {
                decoded = "CODE_MALFORMED";
            }
            Object expected = vector.containsKey("error") ? vector.get("error") : normal(vector.get("frame"));
            if (!equal(expected, decoded)) {
                throw new AssertionError(vector.get("name") + ": expected " + expected + ", and it is " + decoded);
            }
        }
    }

    @Test
    void canonicalClientFramesAreEncodedAsTheyWere() throws MalformedFrameException {
        int count = 0;
        for (Map<String, Object> vector : read("client-frames.json", "vectors")) {
            if (vector.get("canonical") != Boolean.TRUE || isBeyondLong(vector.get("frame"))) {
                continue;
            }
            ClientFrame frame = ClientFrame.decode(hex(vector.get("body")));
            FrameBuffer buffer = new FrameBuffer();
            switch (frame.kind) {
                case ClientFrame.HELLO -> {
                    if (frame.version != Protocol.VERSION) {
                        continue;
                    }
                    ClientEncoder.hello(buffer, Utf8.encode(frame.clientName));
                }
                case ClientFrame.PUBLISH ->
                    ClientEncoder.publish(buffer, Utf8.encode(frame.channel), frame.payload, frame.id);
                case ClientFrame.PING -> ClientEncoder.ping(buffer, frame.id, frame.settled);
                default -> ClientEncoder.names(buffer, frame.kind, frame.id,
                        frame.channels.stream().map(Utf8::encode).toList(),
                        frame.patterns.stream().map(Utf8::encode).toList());
            }
            Assert.equal(vector.get("name") + " " + vector.get("body"), vector.get("name") + " " + hex(buffer));
            Assert.equal(buffer.length() - Protocol.HEADER_BYTES,
                    (int) FrameCutter.announcedLength(buffer.array(), 0));
            count++;
        }
        Assert.that(count > 20, "there are vectors");
    }

    @Test
    void streamsAreCutAtEveryByte() {
        for (Map<String, Object> vector : read("streams.json", "framing")) {
            ByteArrayOutputStream joined = new ByteArrayOutputStream();
            ((List<?>) vector.get("chunks")).forEach(chunk -> joined.writeBytes(hex(chunk)));
            byte[] stream = joined.toByteArray();
            boolean fromClient = vector.get("sender").equals("client");
            int maxFrame = ((BigInteger) vector.get("max_frame_bytes")).intValue();
            for (int first = 0; first <= stream.length; first++) {
                String result = cut(stream, new int[] {first, stream.length}, fromClient, maxFrame);
                Assert.equal(vector.get("name") + expected(vector, stream), vector.get("name") + result);
            }
        }
    }

    private static String expected(Map<String, Object> vector, byte[] stream) {
        return " " + vector.get("bodies") + (vector.containsKey("error") ? " error" : " rest " + vector.get("rest"));
    }

    /** Cuts what has come up to each of the ends. */
    private static String cut(byte[] stream, int[] ends, boolean fromClient, int maxFrame) {
        List<String> bodies = new ArrayList<>();
        int at = 0;
        for (int end : ends) {
            while (true) {
                int limit = fromClient && bodies.isEmpty() ? Protocol.MAX_HELLO_BYTES : maxFrame;
                int length;
                try {
                    length = FrameCutter.bodyLength(stream, at, end, limit);
                } catch (MalformedFrameException e) {
                    return " " + bodies + " error";
                }
                if (length == FrameCutter.INCOMPLETE) {
                    break;
                }
                int body = at + Protocol.HEADER_BYTES;
                at = body + length;
                bodies.add(HexFormat.of().formatHex(stream, body, at));
            }
        }
        return " " + bodies + " rest " + HexFormat.of().formatHex(stream, at, stream.length);
    }

    @Test
    void unpairedSurrogatesAreNoUtf8() {
        Assert.equal(null, Utf8.encode("a\ud800"));
        Assert.equal(null, Utf8.encode("\udc00b"));
        Assert.equal("f09f9880", HexFormat.of().formatHex(Utf8.encode("\ud83d\ude00")));
    }

    /** Values as text, so that numbers and names of enums are compared alike; defaults are left out. */
    private static Object normal(Object value) {
        if (value instanceof Map<?, ?> map) {
            Map<String, Object> result = new LinkedHashMap<>();
            map.forEach((key, each) -> put(result, (String) key, each));
            return result;
        }
        if (value instanceof List<?> list) {
            return list.stream().map(VectorsTest::normal).toList();
        }
        if (value instanceof String text && text.matches("[0-9]{16,}")) {
            return new BigInteger(text).min(BigInteger.valueOf(Long.MAX_VALUE)).toString();
        }
        return value == null ? null : NAMES.getOrDefault(value.toString(), value.toString());
    }

    private static void put(Map<String, Object> to, String key, Object value) {
        Object normal = normal(value);
        if (!(value instanceof List<?> list && list.isEmpty()) && !"".equals(normal) && !"0".equals(normal)
                && !"false".equals(normal)) {
            to.put(key, normal);
        }
    }

    private static boolean equal(Object one, Object other) {
        return one == null ? other == null : one.equals(other);
    }

    private static Map<String, Object> describe(RelayFrame f) {
        Map<String, Object> content = new LinkedHashMap<>();
        switch (f.kind) {
            case RelayFrame.NONE -> {
                return null;
            }
            case RelayFrame.WELCOME -> content = describe(f.welcome);
            case RelayFrame.MESSAGE -> {
                put(content, "channel", f.message.channel);
                put(content, "payload", HexFormat.of().formatHex(f.message.payload()));
                put(content, "pattern", f.message.pattern);
            }
            case RelayFrame.REPLY -> {
                put(content, "id", f.reply.id);
                put(content, "outcome", f.reply.outcome);
                put(content, "receivers", f.reply.receivers);
                put(content, "detail", f.reply.detail);
                put(content, "channels", f.reply.channels);
                put(content, "patterns", f.reply.patterns);
            }
            case RelayFrame.STATUS -> content = describe(f.status);
            case RelayFrame.LOSS -> {
                put(content, "publishes", f.loss.publishes);
                put(content, "messages", f.loss.messages);
                put(content, "reason", f.loss.reason);
                put(content, "publishes_unknown", f.loss.publishesUnknown);
                put(content, "cause", f.loss.cause);
            }
            case RelayFrame.ERROR -> {
                put(content, "code", f.error.code);
                put(content, "detail", f.error.detail);
            }
            default -> {
                put(content, "channels", f.revoked.channels);
                put(content, "patterns", f.revoked.patterns);
                put(content, "detail", f.revoked.detail);
            }
        }
        return Map.of(KINDS.get(f.kind), content);
    }

    private static Map<String, Object> describe(RelayFrame.Welcome w) {
        Map<String, Object> content = new LinkedHashMap<>();
        put(content, "version", w.version);
        put(content, "relay_version", w.relayVersion);
        put(content, "relay_id", w.relayId);
        put(content, "max_frame_bytes", w.maxFrameBytes);
        if (w.status != null) {
            content.put("status", describe(w.status));
        }
        put(content, "max_payload_bytes", w.maxPayloadBytes);
        put(content, "features", w.features);
        return content;
    }

    private static Map<String, Object> describe(RelayFrame.StatusFields s) {
        Map<String, Object> content = new LinkedHashMap<>();
        put(content, "state", s.state);
        put(content, "reason", s.reason);
        put(content, "since_unix_ms", s.sinceUnixMs);
        put(content, "outages", s.outages);
        put(content, "down_ms", s.downMs);
        put(content, "publishing", s.publishing);
        put(content, "receiving", s.receiving);
        put(content, "gaps", s.gaps);
        put(content, "cause", s.cause);
        return content;
    }

    private static Map<String, Object> describe(ClientFrame f) {
        Map<String, Object> content = new LinkedHashMap<>();
        put(content, "version", f.version);
        put(content, "client_name", f.clientName);
        put(content, "id", f.id);
        put(content, "channel", f.channel);
        put(content, "payload", HexFormat.of().formatHex(f.payload));
        put(content, "channels", f.channels);
        put(content, "patterns", f.patterns);
        put(content, "settled", f.settled);
        return Map.of(List.of("", "hello", "publish", "subscribe", "unsubscribe", "ping").get(f.kind), content);
    }

    /** The names of enums' values, as their numbers. */
    private static final Map<String, String> NAMES = new LinkedHashMap<>();

    static {
        names("STATE_", 0, "UNSPECIFIED", "UP", "DEGRADED", "DOWN", "STOPPING");
        names("OUTCOME_", 0, "UNSPECIFIED", "OK", "PENDING", "NOT_CONNECTED", "INTERRUPTED", "REFUSED", "INVALID",
                "LIMIT");
        names("CODE_", 0, "UNSPECIFIED", "MALFORMED", "FRAME_TOO_LARGE", "HELLO_EXPECTED", "VERSION", "NOT_ALLOWED",
                "TOO_MANY", "TIMEOUT");
        names("CAUSE_", 0, "UNSPECIFIED", "SLOW_READER", "TOO_LARGE", "BAD_NAME", "NOT_CONNECTED", "REFUSED",
                "INVALID");
        names("CAUSE_", 16, "STARTING", "STOPPING", "UNREACHABLE", "CLOSED", "TIMEOUT", "AUTH", "TLS", "BUSY",
                "DEMOTED", "PROBE", "PROTOCOL", "TOPOLOGY", "NO_RELAY");
    }

    private static void names(String prefix, int first, String... names) {
        for (int i = 0; i < names.length; i++) {
            NAMES.put(prefix + names[i], String.valueOf(first + i));
        }
    }
}
