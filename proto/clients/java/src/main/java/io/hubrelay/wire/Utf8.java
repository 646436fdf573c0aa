package io.hubrelay.wire;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/** Strict UTF-8: nothing is replaced. Most names are ASCII, for which there is a fast path. */
public final class Utf8 {
    private Utf8() {
    }

    /**
     * The bytes of a text, or null if it has a surrogate without its partner.
     *
     * @param text any text
     * @return its bytes, or null
     */
    public static byte[] encode(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) >= 0x80) {
                return encodeAny(text);
            }
        }
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    private static byte[] encodeAny(String text) {
        try {
            ByteBuffer bytes = StandardCharsets.UTF_8.newEncoder().onMalformedInput(CodingErrorAction.REPORT)
                    .encode(CharBuffer.wrap(text));
            byte[] result = new byte[bytes.remaining()];
            bytes.get(result);
            return result;
        } catch (CharacterCodingException e) {
            return null;
        }
    }

    /** The text in a part of an array. */
    static String decode(byte[] data, int start, int length) throws MalformedFrameException {
        if (isAscii(data, start, length)) {
            return new String(data, start, length, StandardCharsets.ISO_8859_1);
        }
        try {
            return StandardCharsets.UTF_8.newDecoder().onMalformedInput(CodingErrorAction.REPORT)
                    .decode(ByteBuffer.wrap(data, start, length)).toString();
        } catch (CharacterCodingException e) {
            throw new MalformedFrameException("a string is not UTF-8");
        }
    }

    private static boolean isAscii(byte[] data, int start, int length) {
        int bits = 0;
        for (int i = start; i < start + length; i++) {
            bits |= data[i];
        }
        return bits >= 0;
    }
}
