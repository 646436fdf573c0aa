package io.hubrelay.wire;

import java.util.Arrays;

/** Bytes that grow at their end: frames with their lengths in front, as they go to the socket. */
public final class FrameBuffer {
    private static final int FIRST_BYTES = 512;

    private byte[] bytes = new byte[FIRST_BYTES];
    private int length;

    /**
     * The array that the bytes are in. It may be another one after more bytes were added.
     *
     * @return the array
     */
    public byte[] array() {
        return bytes;
    }

    /**
     * How many bytes of the array are in use.
     *
     * @return the length, in bytes
     */
    public int length() {
        return length;
    }

    /** Removes all bytes, and keeps the array. */
    public void clear() {
        length = 0;
    }

    /** Makes room for that many more bytes. */
    void ensure(int more) {
        if (bytes.length - length < more) {
            bytes = Arrays.copyOf(bytes, Math.max(2 * bytes.length, Math.addExact(length, more)));
        }
    }

    /** Begins a frame that contains one message: writes its length, and the tag and length of the message. */
    void frame(int kind, int size) {
        int body = 1 + varintSize(size) + size;
        ensure(Protocol.HEADER_BYTES + body);
        bytes[length++] = (byte) (body >>> 24);
        bytes[length++] = (byte) (body >>> 16);
        bytes[length++] = (byte) (body >>> 8);
        bytes[length++] = (byte) body;
        tag(kind, 2);
        varint(size);
    }

    void tag(int number, int wireType) {
        bytes[length++] = (byte) (number << 3 | wireType);
    }

    void varint(long value) {
        long rest = value;
        while ((rest & ~0x7fL) != 0) {
            bytes[length++] = (byte) (rest | 0x80);
            rest >>>= 7;
        }
        bytes[length++] = (byte) rest;
    }

    /** Adds a number, unless it is 0. */
    void number(int field, long value) {
        if (value != 0) {
            tag(field, 0);
            varint(value);
        }
    }

    /** Adds bytes, even if there are none: an element of a list. */
    void element(int field, byte[] content) {
        tag(field, 2);
        varint(content.length);
        System.arraycopy(content, 0, bytes, length, content.length);
        length += content.length;
    }

    /** Adds bytes, unless there are none. */
    void content(int field, byte[] content) {
        if (content.length > 0) {
            element(field, content);
        }
    }

    /** Adds the bytes of another buffer. */
    void raw(FrameBuffer other) {
        ensure(other.length);
        System.arraycopy(other.bytes, 0, bytes, length, other.length);
        length += other.length;
    }

    static int varintSize(long value) {
        return Math.max(1, (Long.SIZE - Long.numberOfLeadingZeros(value) + 6) / 7);
    }

    static int numberSize(long value) {
        return value == 0 ? 0 : 1 + varintSize(value);
    }

    static int elementSize(byte[] content) {
        return 1 + varintSize(content.length) + content.length;
    }

    static int contentSize(byte[] content) {
        return content.length == 0 ? 0 : elementSize(content);
    }
}
