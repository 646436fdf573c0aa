/// The first 16 bytes of every payload, little endian. Subscribers use them to check that nothing is missing.
struct MessageStamp: Equatable {
    static let byteCount = 16

    /// The number of the message among all messages of the publisher, from 0.
    var number: UInt64
    /// The index of the channel.
    var channel: UInt32
    /// The number of the message among those of the publisher on this channel, from 0.
    var sequence: UInt32

    init(number: UInt64, channel: UInt32, sequence: UInt32) {
        (self.number, self.channel, self.sequence) = (number, channel, sequence)
    }

    /// Nil if the payload is too short to be one of ours.
    @inline(__always)
    init?(_ payload: UnsafeRawBufferPointer) {
        guard payload.count >= Self.byteCount else { return nil }
        number = UInt64(littleEndian: payload.loadUnaligned(as: UInt64.self))
        channel = UInt32(littleEndian: payload.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
        sequence = UInt32(littleEndian: payload.loadUnaligned(fromByteOffset: 12, as: UInt32.self))
    }

    @inline(__always)
    func write(to payload: UnsafeMutableRawPointer) {
        payload.storeBytes(of: number.littleEndian, as: UInt64.self)
        payload.storeBytes(of: channel.littleEndian, toByteOffset: 8, as: UInt32.self)
        payload.storeBytes(of: sequence.littleEndian, toByteOffset: 12, as: UInt32.self)
    }
}
