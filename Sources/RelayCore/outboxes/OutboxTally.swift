/// What has happened to a connection's Messages since it was opened.
struct OutboxTally {
    /// Messages that were offered to the kernel.
    var delivered: UInt64 = 0
    /// Messages that it did not get, and that a Loss has reported or will report.
    var lost: UInt64 = 0
}

/// The output of one turn for a connection: bytes, and how many Messages are among them. Both are in one word, so that
/// fan-out, which adds to it for each reader, counts them with one addition.
///
///     | bytes: 40 bits | Messages: 24 bits |
///
/// That is enough: output is written each time that a MiB of frames has been gathered in a turn (`Arena.isHigh`), and a
/// Message has at least nine bytes.
struct PendingOutput {
    private var word = 0

    private static let messageBits = 24
    private static let messageMask = 1 << messageBits - 1

    init() {}

    /// One Message of so many bytes.
    @inline(__always)
    init(messageBytes: Int) { word = messageBytes << Self.messageBits | 1 }

    /// For comparison: at most so many bytes, and any number of Messages.
    @inline(__always)
    init(atMost bytes: Int) { word = bytes << Self.messageBits | Self.messageMask }

    @inline(__always)
    var bytes: Int { word >> Self.messageBits }
    @inline(__always)
    var messages: Int { word & Self.messageMask }

    @inline(__always)
    mutating func add(bytes: Int) { word += bytes << Self.messageBits }

    /// Counts one of the frames whose bytes are added as a Message.
    mutating func countMessage() { word += 1 }

    @inline(__always)
    static func + (left: PendingOutput, right: PendingOutput) -> PendingOutput {
        var sum = left
        sum.word += right.word
        return sum
    }

    @inline(__always)
    static func <= (left: PendingOutput, right: PendingOutput) -> Bool { left.word <= right.word }
}
