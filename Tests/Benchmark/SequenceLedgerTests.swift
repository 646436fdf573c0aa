internal import Testing

@testable internal import BenchmarkLoad

@Suite("The ledger of one subscriber")
struct SequenceLedgerTests {
    @Test("messages in order are delivered, and nothing is missing")
    func inOrder() {
        var ledger = SequenceLedger(channels: 2)
        for sequence: UInt32 in 0..<3 {
            for channel: UInt32 in 0..<2 { #expect(ledger.receive(stamp(channel, sequence))) }
        }
        #expect(ledger.delivered == 6)
        #expect(ledger.duplicates == 0)
        #expect(ledger.missing(of: 6) == 0)
    }

    @Test("a gap that nobody told of is missing")
    func gap() {
        var ledger = SequenceLedger(channels: 1)
        for sequence: UInt32 in [0, 1, 4] { #expect(ledger.receive(stamp(0, sequence))) }
        #expect(ledger.settled == 3)
        #expect(ledger.missing(of: 5) == 2)
    }

    @Test("what was told as lost is not missing, and is settled")
    func toldLoss() {
        var ledger = SequenceLedger(channels: 1)
        #expect(ledger.receive(stamp(0, 0)))
        ledger.tell(lost: 2)
        #expect(ledger.receive(stamp(0, 3)))
        #expect(ledger.lost == 2)
        #expect(ledger.settled == 4)
        #expect(ledger.missing(of: 4) == 0)
    }

    @Test("a loss that was told although everything came is as wrong as one that was not told")
    func toldTooMuch() {
        var ledger = SequenceLedger(channels: 1)
        for sequence: UInt32 in 0..<4 { #expect(ledger.receive(stamp(0, sequence))) }
        ledger.tell(lost: 1)
        #expect(ledger.missing(of: 4) == 1)
    }

    @Test("what did not come at the end is missing, too")
    func end() {
        var ledger = SequenceLedger(channels: 1)
        #expect(ledger.receive(stamp(0, 0)))
        #expect(ledger.missing(of: 3) == 2)
    }

    @Test("a message that comes again is a duplicate and counts as nothing else", arguments: [0, 1, 2] as [UInt32])
    func duplicate(again: UInt32) {
        var ledger = SequenceLedger(channels: 1)
        for sequence: UInt32 in 0..<3 { #expect(ledger.receive(stamp(0, sequence))) }
        #expect(!ledger.receive(stamp(0, again)))
        #expect(ledger.duplicates == 1)
        #expect(ledger.delivered == 3)
        #expect(ledger.missing(of: 3) == 0)
    }

    @Test("a message behind a later one of its channel is out of order: one missing, one too many")
    func outOfOrder() {
        var ledger = SequenceLedger(channels: 1)
        #expect(ledger.receive(stamp(0, 1)))
        #expect(!ledger.receive(stamp(0, 0)))
        #expect(ledger.duplicates == 1)
        #expect(ledger.missing(of: 2) == 1)
    }

    @Test("a channel that nobody has is no delivery")
    func foreignChannel() {
        var ledger = SequenceLedger(channels: 1)
        #expect(!ledger.receive(stamp(1, 0)))
        #expect(ledger.delivered == 0)
    }

    private func stamp(_ channel: UInt32, _ sequence: UInt32) -> MessageStamp {
        MessageStamp(number: 0, channel: channel, sequence: sequence)
    }
}
