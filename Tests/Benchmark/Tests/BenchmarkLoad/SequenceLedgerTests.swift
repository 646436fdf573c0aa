internal import Testing

@testable internal import BenchmarkLoad

@Suite("The ledger of one subscriber")
struct SequenceLedgerTests {
    @Test("messages in order are delivered, and nothing is missing")
    func inOrder() {
        var ledger = SequenceLedger(channels: 2)
        for sequence: UInt32 in 0..<3 {
            for channel: UInt32 in 0..<2 { take(channel, sequence, into: &ledger) }
        }
        #expect(ledger.delivered == 6)
        #expect(ledger.duplicates == 0)
        #expect(ledger.missing(of: 6) == 0)
    }

    @Test("a gap that nobody told of is missing")
    func gap() {
        var ledger = SequenceLedger(channels: 1)
        for sequence: UInt32 in [0, 1, 4] { take(0, sequence, into: &ledger) }
        #expect(ledger.settled == 3)
        #expect(ledger.missing(of: 5) == 2)
    }

    @Test("what was told as lost is not missing, and is settled")
    func toldLoss() {
        var ledger = SequenceLedger(channels: 1)
        take(0, 0, into: &ledger)
        ledger.tell(lost: 2)
        take(0, 3, into: &ledger)
        #expect(ledger.lost == 2)
        #expect(ledger.settled == 4)
        #expect(ledger.missing(of: 4) == 0)
    }

    @Test("a loss that was told although everything came is as wrong as one that was not told")
    func toldTooMuch() {
        var ledger = SequenceLedger(channels: 1)
        for sequence: UInt32 in 0..<4 { take(0, sequence, into: &ledger) }
        ledger.tell(lost: 1)
        #expect(ledger.missing(of: 4) == 1)
    }

    @Test("what did not come at the end is missing, too")
    func end() {
        var ledger = SequenceLedger(channels: 1)
        take(0, 0, into: &ledger)
        #expect(ledger.missing(of: 3) == 2)
    }

    @Test("a message that comes again is a duplicate and counts as nothing else", arguments: [0, 1, 2] as [UInt32])
    func duplicate(again: UInt32) {
        var ledger = SequenceLedger(channels: 1)
        for sequence: UInt32 in 0..<3 { take(0, sequence, into: &ledger) }
        refuse(0, again, into: &ledger)
        #expect(ledger.duplicates == 1)
        #expect(ledger.delivered == 3)
        #expect(ledger.missing(of: 3) == 0)
    }

    @Test("a message behind a later one of its channel is out of order: one missing, one too many")
    func outOfOrder() {
        var ledger = SequenceLedger(channels: 1)
        take(0, 1, into: &ledger)
        refuse(0, 0, into: &ledger)
        #expect(ledger.duplicates == 1)
        #expect(ledger.missing(of: 2) == 1)
    }

    @Test("a channel that nobody has is no delivery")
    func foreignChannel() {
        var ledger = SequenceLedger(channels: 1)
        refuse(1, 0, into: &ledger)
        #expect(ledger.delivered == 0)
    }

    /// Expects the message to be in its place.
    private func take(_ channel: UInt32, _ sequence: UInt32, into ledger: inout SequenceLedger) {
        let isInPlace = ledger.receive(MessageStamp(number: 0, channel: channel, sequence: sequence))
        #expect(isInPlace)
    }

    /// Expects the message to be out of place.
    private func refuse(_ channel: UInt32, _ sequence: UInt32, into ledger: inout SequenceLedger) {
        let isInPlace = ledger.receive(MessageStamp(number: 0, channel: channel, sequence: sequence))
        #expect(!isInPlace)
    }
}
