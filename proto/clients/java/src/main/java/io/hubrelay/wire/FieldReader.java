package io.hubrelay.wire;

import java.util.Arrays;
import java.util.List;

/**
 * Reads a protobuf message field by field. After {@link #next} has returned true, {@link #number} returns the field's
 * number. The getters return its value. If the field has another wire type than the getter's, they return their
 * argument: such a field is skipped like an unknown one.
 */
final class FieldReader {
    private static final long MAX_FIELD_NUMBER = (1L << 29) - 1;
    private static final int MAX_VARINT_BYTES = 10;

    private byte[] data;
    private int at;
    private int end;
    private int number;
    private int wireType;
    private long value;
    private int start;
    private int length;

    /** Begins a message: the bytes from {@code from} up to {@code to}. */
    FieldReader begin(byte[] bytes, int from, int to) {
        data = bytes;
        at = from;
        end = to;
        return this;
    }

    /** Goes to the next field. It returns false at the end of the message. */
    boolean next() throws MalformedFrameException {
        if (at == end) {
            return false;
        }
        long tag = varint();
        long fieldNumber = tag >>> 3;
        if (fieldNumber == 0 || fieldNumber > MAX_FIELD_NUMBER) {
            throw new MalformedFrameException("field number " + Long.toUnsignedString(fieldNumber));
        }
        number = (int) fieldNumber;
        wireType = (int) (tag & 7);
        switch (wireType) {
            case 0 -> value = varint();
            case 1 -> take(8);
            case 2 -> take(varint());
            case 5 -> take(4);
            default -> throw new MalformedFrameException("wire type " + wireType);
        }
        return true;
    }

    private void take(long size) throws MalformedFrameException {
        if (size < 0 || size > end - at) {
            throw new MalformedFrameException("a field ends beyond its message");
        }
        start = at;
        length = (int) size;
        at += length;
    }

    private long varint() throws MalformedFrameException {
        long result = 0;
        for (int i = 0; i < MAX_VARINT_BYTES && at < end; i++) {
            byte b = data[at++];
            result |= (b & 0x7fL) << (7 * i);
            if (b >= 0) {
                return result;
            }
        }
        throw new MalformedFrameException("a varint that does not end");
    }

    int number() {
        return number;
    }

    /** Whether the field has bytes in it: a string, bytes or a message. */
    boolean hasContent() {
        return wireType == 2;
    }

    /** Where the content begins in the array. */
    int start() {
        return start;
    }

    /** How many bytes the content has. */
    int length() {
        return length;
    }

    /** A uint64. A number above 2^63-1 becomes 2^63-1. */
    long number64(long otherwise) {
        if (wireType != 0) {
            return otherwise;
        }
        return value < 0 ? Long.MAX_VALUE : value;
    }

    /** A uint32: the low 32 bits. */
    long number32(long otherwise) {
        return wireType == 0 ? value & 0xffff_ffffL : otherwise;
    }

    /** An enum: the low 32 bits, of which the highest is the sign. */
    int enumeration(int otherwise) {
        return wireType == 0 ? (int) value : otherwise;
    }

    boolean bool(boolean otherwise) {
        return wireType == 0 ? value != 0 : otherwise;
    }

    String text(String otherwise) throws MalformedFrameException {
        return wireType == 2 ? Utf8.decode(data, start, length) : otherwise;
    }

    /** A copy of the bytes. */
    byte[] bytes(byte[] otherwise) {
        return wireType == 2 ? Arrays.copyOfRange(data, start, start + length) : otherwise;
    }

    /** Adds an element of a repeated string. */
    void addText(List<String> to) throws MalformedFrameException {
        if (wireType == 2) {
            to.add(Utf8.decode(data, start, length));
        }
    }
}
