/// What one subscriber has received from one publisher, checked message by message.
///
/// Messages of a channel come in the order in which they were published, so each must be the one that follows the last.
/// A message that skips others leaves a gap. Whether the relay has reported the gap is checked at the end, because Loss
/// frames have counts and no numbers.
struct SequenceLedger {
    /// By channel: the sequence number that must come next.
    private var next: [UInt32]
    /// Messages that came in their place.
    private(set) var delivered = 0
    /// Messages that came a second time, or after a later message of their channel.
    private(set) var duplicates = 0
    /// Messages that were reported as lost.
    private(set) var lost = 0

    init(channels: Int) { next = Array(repeating: 0, count: channels) }

    /// The number of messages that the publisher may count as done, because they are no longer on their way.
    var settled: Int { delivered + lost }

    /// Enters a message. Returns false if it is a duplicate.
    @inline(__always)
    mutating func receive(_ stamp: MessageStamp) -> Bool {
        let channel = Int(stamp.channel)
        guard channel < next.count, stamp.sequence >= next[channel] else {
            duplicates += 1
            return false
        }
        next[channel] = stamp.sequence &+ 1
        delivered += 1
        return true
    }

    /// Enters the count of a Loss frame.
    mutating func tell(lost messages: Int) { lost += messages }

    /// Messages of `published` that neither came nor were reported as lost. Messages that were reported as lost, but
    /// came, are just as wrong, and count in the same way.
    func missing(of published: Int) -> Int { abs(published - settled) }
}
