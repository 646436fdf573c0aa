@testable import RelayCore

extension Arena {
    /// A Message of any size.
    mutating func message(
        channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer, pattern: UnsafeRawBufferPointer?
    ) -> OutputRange {
        let size = Self.messageSize(channel, payload, pattern)
        return message(channel: channel, payload: payload, pattern: pattern, size: size)
    }

    /// Whether a Message with these fields is a body of at most `limit` bytes.
    static func fits(
        _ channel: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer, _ pattern: UnsafeRawBufferPointer?,
        within limit: Int
    ) -> Bool {
        fits(messageSize(channel, payload, pattern), within: limit)
    }
}
