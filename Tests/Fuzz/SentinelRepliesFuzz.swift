/// Whatever sentinels answer, in whatever order, a master is believed that one of them has named, and what is told of
/// news is right. All that is heard is also told to a view that has the sentinels in another order.
func fuzzSentinelReplies(_ input: UnsafeRawBufferPointer) {
    var choices = Choices(input)
    var relay = FuzzedSentinels(turnedBy: 0)
    var other = FuzzedSentinels(turnedBy: 1 + choices.next(FuzzedSentinels.count - 1))
    var speaker = 0
    for value in wholeReplies(in: input, size: { 1 + choices.next(60) }) {
        // A number says whose answers follow.
        if case .integer(let number) = value {
            speaker = Int(number.magnitude % UInt64(FuzzedSentinels.count))
        } else {
            relay.answered(speaker, value)
            other.answered(speaker, value)
        }
    }
}

private struct FuzzedSentinels {
    static let count = 3
    private let turn: Int
    private var view = SentinelView(sentinels: count)
    /// By sentinel: the place that it has just told, the first of its two answers.
    private var named: [SentinelView.Master?] = Array(repeating: nil, count: count)
    /// By sentinel: what it says now.
    private var said: [SentinelView.Master?] = Array(repeating: nil, count: count)
    private var ever: Set<SentinelView.Master> = []
    private var epochs: Set<UInt64> = []

    init(turnedBy turn: Int) { self.turn = turn }

    /// As `SentinelLink` takes the two answers to a question.
    mutating func answered(_ sentinel: Int, _ value: RedisValue) {
        switch value {
        case .array(let parts) where parts.count == 2:
            let master = SentinelView.Master(parts)
            precondition(master == plainMaster(parts))
            named[sentinel] = master
        case .array(let fields):
            let epoch = SentinelView.epoch(in: fields)
            precondition(epoch == plainEpoch(fields))
            told(sentinel, epoch: epoch)
        case .error: told(sentinel, epoch: 0)
        case .nilValue:
            view.withdrew(place(sentinel))
            said[sentinel] = nil
        default: break
        }
        check()
    }

    // Swift 6.3.1 crashes when it inlines this.
    @inline(never)
    private func check() {
        for sentinel in 0..<Self.count { precondition(view.master(by: place(sentinel)) == said[sentinel]) }
        guard let master = view.master, let epoch = view.epoch else { return precondition(ever.isEmpty) }
        precondition(ever.contains(master) && epochs.contains(epoch))
    }

    private mutating func told(_ sentinel: Int, epoch: UInt64) {
        guard let master = named[sentinel] else { return }
        let before = view.master
        said[sentinel] = master
        ever.insert(master)
        epochs.insert(epoch)
        let isNews = view.answered(place(sentinel), master: master, epoch: epoch)
        precondition(isNews == (view.master != before))
    }

    private func place(_ sentinel: Int) -> Int { (sentinel + turn) % Self.count }
}

private func plainMaster(_ parts: [RedisValue]) -> SentinelView.Master? {
    guard case .bulk(let host) = parts[0], case .bulk(let digits) = parts[1], !host.isEmpty,
        host.allSatisfy({ (0x21...0x7e).contains($0) })
    else { return nil }
    guard let port = Int(String(decoding: digits, as: UTF8.self)), (1...65535).contains(port) else { return nil }
    return SentinelView.Master(host: String(decoding: host, as: UTF8.self), port: UInt16(port))
}

private func plainEpoch(_ fields: [RedisValue]) -> UInt64 {
    var rest = fields[...]
    while let name = rest.popFirst(), let value = rest.popFirst() {
        if name == .bulk(Array("config-epoch".utf8)), case .bulk(let text) = value {
            return UInt64(String(decoding: text, as: UTF8.self)) ?? 0
        }
    }
    return 0
}
