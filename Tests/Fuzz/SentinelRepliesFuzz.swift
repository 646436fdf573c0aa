/// Whatever sentinels answer, in any order, the believed master is one that a sentinel has named, and the reports of
/// news are right. Relays that have the same sentinels in another order, or hear them in another order, believe in the
/// same master, even if the sentinels disagree.
func fuzzSentinelReplies(_ input: UnsafeRawBufferPointer) {
    var choices = Choices(input)
    var relays = (0..<FuzzedSentinels.count).map { FuzzedSentinels(turnedBy: $0) }
    var speaker = 0
    for value in wholeReplies(in: input, size: { 1 + choices.next(60) }) {
        // A number selects the sentinel whose answers follow.
        if case .integer(let number) = value {
            speaker = Int(number.magnitude % UInt64(FuzzedSentinels.count))
        } else {
            for index in relays.indices { relays[index].answered(speaker, value) }
        }
        for relay in relays[1...] { precondition(relay.choice == relays[0].choice) }
    }
    relays[0].checkOrders()
}

private struct FuzzedSentinels {
    static let count = 3

    /// What the relay has chosen.
    struct Choice: Equatable {
        let master: SentinelView.Master?
        let epoch: UInt64?
        let candidates: [SentinelView.Master]
    }

    private struct Word {
        let master: SentinelView.Master
        let epoch: UInt64
    }

    /// The sentinel at which the list of this relay begins.
    private let turn: Int
    private var view = SentinelView(sentinels: count)
    /// By sentinel: the master that it has just named in the first of its two answers.
    private var named: [SentinelView.Master?] = Array(repeating: nil, count: count)
    /// By sentinel: what it says now.
    private var said: [Word?] = Array(repeating: nil, count: count)
    private var ever: Set<SentinelView.Master> = []
    private var epochs: Set<UInt64> = []

    init(turnedBy turn: Int) { self.turn = turn }

    var choice: Choice { Choice(master: view.master, epoch: view.epoch, candidates: view.candidates) }

    /// Takes the two answers to a question as `SentinelLink` does.
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
        case .status:
            view.knowsNothing(place(sentinel))
            (named[sentinel], said[sentinel]) = (nil, nil)
        default: break
        }
        check()
    }

    // Swift 6.3.1 crashes when it inlines this.
    @inline(never)
    private func check() {
        for sentinel in 0..<Self.count { precondition(view.master(by: place(sentinel)) == said[sentinel]?.master) }
        precondition(view.candidates == plainCandidates)
        guard let master = view.master, let epoch = view.epoch else { return precondition(ever.isEmpty) }
        precondition(ever.contains(master) && epochs.contains(epoch))
    }

    private mutating func told(_ sentinel: Int, epoch: UInt64) {
        guard let master = named[sentinel] else { return }
        let before = view.master
        said[sentinel] = Word(master: master, epoch: epoch)
        ever.insert(master)
        epochs.insert(epoch)
        let isNews = view.answered(place(sentinel), master: master, epoch: epoch)
        precondition(isNews == (view.master != before))
        // Once all sentinels have answered, earlier answers do not count.
        if said.allSatisfy({ $0 != nil }) { precondition(view.master == plainCandidates.first) }
    }

    /// Relays that begin now, and hear what the sentinels say now, each with its own list, and in every order of
    /// answers.
    func checkOrders() {
        let speakers = said.indices.filter { said[$0] != nil }
        let orders = permutations(speakers)
        for turn in 0..<Self.count {
            for order in orders {
                var view = SentinelView(sentinels: Self.count)
                for sentinel in order {
                    guard let word = said[sentinel] else { continue }
                    _ = view.answered((sentinel + turn) % Self.count, master: word.master, epoch: word.epoch)
                }
                precondition(view.candidates == plainCandidates)
                // Less than half of the sentinels do not take back a higher epoch. Here the sentinel with the highest
                // epoch is always there.
                precondition(view.master == plainCandidates.first)
            }
        }
    }

    /// The rule, written again: among the masters with the highest epoch, the one with most votes; among equals, the
    /// one whose host comes first, and then the one whose port does.
    private var plainCandidates: [SentinelView.Master] {
        let words = said.compactMap { $0 }
        let newest = words.filter { word in words.allSatisfy { $0.epoch <= word.epoch } }.map(\.master)
        var left = newest
        var ranked: [SentinelView.Master] = []
        while var best = left.first {
            for other in left where isBetter(other, best, in: newest) { best = other }
            ranked.append(best)
            left.removeAll { $0 == best }
        }
        return ranked
    }

    private func isBetter(
        _ one: SentinelView.Master, _ other: SentinelView.Master, in votes: [SentinelView.Master]
    ) -> Bool {
        let (ones, others) = (votes.count { $0 == one }, votes.count { $0 == other })
        if ones != others { return ones > others }
        let (name, otherName) = (Array(one.host.utf8), Array(other.host.utf8))
        if name != otherName { return name.lexicographicallyPrecedes(otherName) }
        return one.port < other.port
    }

    private func place(_ sentinel: Int) -> Int { (sentinel + turn) % Self.count }
}

private func permutations(_ values: [Int]) -> [[Int]] {
    guard !values.isEmpty else { return [[]] }
    return values.flatMap { first in permutations(values.filter { $0 != first }).map { [first] + $0 } }
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
