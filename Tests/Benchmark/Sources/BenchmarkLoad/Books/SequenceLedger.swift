/// What one subscriber has received of one publisher, checked message by message.
///
/// Messages of a channel come in the order in which they were published, so each must be the one that follows the last.
/// One that skips others leaves a gap; whether the relay has told of it is settled at the end, because Loss frames have
/// counts and no numbers.
struct SequenceLedger {
    /// By channel: the sequence number that comes next.
    private var next: [UInt32]
    /// Messages that came in their place.
    private(set) var delivered = 0
    /// Messages that came once more, or behind a later one of their channel.
    private(set) var duplicates = 0
    /// Messages whose loss was told.
    private(set) var lost = 0

    init(channels: Int) { next = Array(repeating: 0, count: channels) }

    /// What the publisher may count as done: nothing of it is under way any more.
    var settled: Int { delivered + lost }

    /// Enters a message. False: it is a duplicate.
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

    /// Enters what a Loss frame says.
    mutating func tell(lost messages: Int) { lost += messages }

    /// Messages of `published` that neither came nor were told as lost. As wrong as that, and counted alike: messages
    /// that were told as lost, and came.
    func missing(of published: Int) -> Int { abs(published - settled) }
}
