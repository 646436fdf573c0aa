/// The protobuf wire format (protobuf.dev/programming-guides/encoding), as much of it as our frames need.
///
/// Reading lends views into the bytes that were given; nothing is copied and nothing is allocated.

/// Why bytes are not a protobuf message. The relay answers all of these errors with `MALFORMED`.
package enum WireError: Error, Equatable, Sendable {
    /// The bytes end in the middle of a field.
    case truncated
    /// A varint of more than ten bytes.
    case varintTooLong
    /// A field number of 0, or over 2^29 - 1.
    case badFieldNumber
    /// A group (wire types 3 and 4, gone from proto3) or an undefined wire type.
    case badWireType
    /// A `string` field that is not UTF-8.
    case badUTF8
}

/// One field of a message: its number and its value as it lies on the wire.
package struct WireField {
    package enum Value {
        case varint(UInt64)
        case bytes(UnsafeRawBufferPointer)
        /// Four or eight bytes. No field of ours has this type, so only its length matters.
        case fixed
    }
    package var number: UInt32
    package var value: Value
}

/// Reads the fields of one message in their order.
package struct WireReader {
    // Never past `end`: every step forward is checked against it first.
    private var position: UnsafeRawPointer
    private let end: UnsafeRawPointer

    /// `bytes` must outlive the reader and everything it has lent.
    @inline(__always)
    package init(_ bytes: UnsafeRawBufferPointer) {
        // An empty buffer may have no address. Nothing is read through the substitute.
        position = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1).unsafelyUnwrapped
        end = position + bytes.count
    }

    /// The next field, or nil at the end of the message.
    @inline(__always)
    package mutating func next() throws(WireError) -> WireField? {
        guard position < end else { return nil }
        let tag = try varint()
        guard tag >> 3 != 0, tag >> 3 < 1 << 29 else { throw .badFieldNumber }
        let number = UInt32(truncatingIfNeeded: tag >> 3)
        switch tag & 7 {
        case 0: return WireField(number: number, value: .varint(try varint()))
        case 2: return WireField(number: number, value: .bytes(try take(try varint())))
        case 1:
            _ = try take(8)
            return WireField(number: number, value: .fixed)
        case 5:
            _ = try take(4)
            return WireField(number: number, value: .fixed)
        default: throw .badWireType
        }
    }

    // MARK: What a message has nearly always

    @inline(__always)
    var isAtEnd: Bool { position == end }

    /// Bytes behind the position.
    var bytesLeft: Int { end - position }

    /// The bytes of a length-delimited field with a number under 16, if that field comes next and is complete;
    /// otherwise nil, and the position stays.
    @inline(__always)
    mutating func bytes(ofField number: UInt8) -> UnsafeRawBufferPointer? {
        guard let length = shortVarint(behindTag: number << 3 | 2) else { return nil }
        let start = position + length.next
        guard length.value <= end - start else { return nil }
        position = start + length.value
        return UnsafeRawBufferPointer(start: start, count: length.value)
    }

    /// The value of a varint field with a number under 16, if that field comes next and the value is under 2^28;
    /// otherwise nil, and the position stays.
    @inline(__always)
    mutating func varint(ofField number: UInt8) -> UInt64? {
        guard let varint = shortVarint(behindTag: number << 3) else { return nil }
        position += varint.next
        return UInt64(varint.value)
    }

    /// A varint of up to four bytes behind a tag of one byte, and the offset of what follows it.
    @inline(__always)
    private func shortVarint(behindTag tag: UInt8) -> (value: Int, next: Int)? {
        let left = end - position
        guard left >= 2, position.load(as: UInt8.self) == tag else { return nil }
        func byte(_ offset: Int) -> Int { Int(position.load(fromByteOffset: offset, as: UInt8.self)) }
        var value = byte(1)
        if value < 128 { return (value, 2) }
        guard left >= 3 else { return nil }
        value = value & 127 | byte(2) << 7
        if value < 1 << 14 { return (value, 3) }
        guard left >= 4 else { return nil }
        value = value & (1 << 14 - 1) | byte(3) << 14
        if value < 1 << 21 { return (value, 4) }
        guard left >= 5 else { return nil }
        value = value & (1 << 21 - 1) | byte(4) << 21
        return value < 1 << 28 ? (value, 5) : nil
    }

    @inline(__always)
    private mutating func take(_ count: UInt64) throws(WireError) -> UnsafeRawBufferPointer {
        guard count <= UInt64(end - position) else { throw .truncated }
        let taken = UnsafeRawBufferPointer(start: position, count: Int(count))
        position += Int(count)
        return taken
    }

    /// A varint. It nearly always has one byte or two, since the tags, the lengths and the ids of our frames are small.
    @inline(__always)
    private mutating func varint() throws(WireError) -> UInt64 {
        guard position < end else { throw .truncated }
        let first = position.load(as: UInt8.self)
        if first < 128 {
            position += 1
            return UInt64(first)
        }
        if end - position >= 2 {
            let second = position.load(fromByteOffset: 1, as: UInt8.self)
            if second < 128 {
                position += 2
                return UInt64(first & 127) | UInt64(second) << 7
            }
        }
        let (value, count) = try Self.longVarint(position, left: end - position)
        position += count
        return value
    }

    /// Takes a position and not the reader, so that a reader's position can stay in a register.
    @inline(never)
    private static func longVarint(
        _ start: UnsafeRawPointer, left: Int
    ) throws(WireError) -> (value: UInt64, count: Int) {
        var value: UInt64 = 0
        var index = 0
        while index < min(10, left) {
            let byte = start.load(fromByteOffset: index, as: UInt8.self)
            value |= UInt64(byte & 127) &<< UInt64(7 * index)  // bits over 64 fall off, as in every decoder
            index += 1
            if byte < 128 { return (value, index) }
        }
        throw left < 10 ? .truncated : .varintTooLong
    }
}

/// Writes fields to memory that the caller has made large enough: sizes are computed first, then written.
package struct WireWriter {
    /// Where the next byte goes.
    package private(set) var position: UnsafeMutablePointer<UInt8>

    package init(_ start: UnsafeMutablePointer<UInt8>) { position = start }

    /// Bytes that `value` takes as a varint: 1 to 10.
    package static func size(ofVarint value: UInt64) -> Int {
        // 7 bits a byte: ceil(bits / 7), computed without a division.
        ((63 - (value | 1).leadingZeroBitCount) * 9 + 73) / 64
    }

    /// Bytes of a varint field with a number under 16; 0 for the value 0, which proto3 leaves out.
    package static func size(ofField value: UInt64) -> Int { value == 0 ? 0 : 1 + size(ofVarint: value) }

    /// Bytes of a length-delimited field with a number under 16 and `count` bytes in it.
    package static func size(ofBytes count: Int) -> Int { 1 + size(ofVarint: UInt64(count)) + count }

    package mutating func byte(_ value: UInt8) {
        position.pointee = value
        position += 1
    }

    package mutating func varint(_ value: UInt64) {
        var left = value
        while left > 127 {
            byte(UInt8(truncatingIfNeeded: left) | 128)
            left >>= 7
        }
        byte(UInt8(truncatingIfNeeded: left))
    }

    /// The frame header: the length of the body, 4 bytes, big endian.
    package mutating func frameLength(_ length: Int) {
        UnsafeMutableRawPointer(position).storeBytes(of: UInt32(length).bigEndian, as: UInt32.self)
        position += 4
    }

    /// A varint field. Nothing is written for the value 0.
    package mutating func field(_ number: UInt8, _ value: UInt64) {
        guard value != 0 else { return }
        byte(number << 3)
        varint(value)
    }

    package mutating func field(_ number: UInt8, _ value: Bool) { field(number, value ? 1 : 0) }

    /// The tag and the length of a length-delimited field; its `count` bytes follow.
    package mutating func header(_ number: UInt8, count: Int) {
        byte(number << 3 | 2)
        varint(UInt64(count))
    }

    package mutating func raw(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress else { return }
        UnsafeMutableRawPointer(position).copyMemory(from: base, byteCount: bytes.count)
        position += bytes.count
    }

    package mutating func raw(_ text: StaticString) {
        raw(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// A `bytes` or `string` field. An empty one is written only if `always` is true.
    package mutating func field(_ number: UInt8, _ bytes: UnsafeRawBufferPointer, always: Bool = false) {
        guard always || !bytes.isEmpty else { return }
        header(number, count: bytes.count)
        raw(bytes)
    }

    package mutating func field(_ number: UInt8, _ text: String) {
        guard !text.isEmpty else { return }
        var text = text
        text.withUTF8 { field(number, UnsafeRawBufferPointer($0)) }
    }

    /// Bytes of a `string` field with a number under 16; 0 for the empty one.
    package static func size(ofText text: String) -> Int {
        text.utf8.isEmpty ? 0 : size(ofBytes: text.utf8.count)
    }
}
