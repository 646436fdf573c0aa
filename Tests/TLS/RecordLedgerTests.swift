import TLS
import Testing

@Suite struct RecordLedgerTests {
    /// The answer that the ledger must give, from the whole list of records: those records count that both begin and
    /// end within the last `unsent` bytes.
    private func expected(_ records: [(plaintext: Int, ciphertext: Int)], unsent: Int) -> Int {
        let end = records.reduce(0) { $0 + $1.ciphertext }
        var (start, sum) = (0, 0)
        for record in records {
            if start >= end - unsent { sum += record.plaintext }
            start += record.ciphertext
        }
        return sum
    }

    @Test func everyNumberOfUnsentBytesIsToldExactly() {
        let sizes = [(0, 3), (1, 4), (5, 7), (0, 2), (9, 9)]
        // Tries all sequences of up to four of these records, and every number of bytes left before and at the
        // question.
        for length in 0...4 {
            for number in 0..<Int(pow(5, length)) {
                var (rest, records) = (number, [(plaintext: Int, ciphertext: Int)]())
                for _ in 0..<length {
                    records.append(sizes[rest % 5])
                    rest /= 5
                }
                check(records)
            }
        }
    }

    private func pow(_ base: Int, _ exponent: Int) -> Int { (0..<exponent).reduce(1) { sum, _ in sum * base } }

    private func check(_ records: [(plaintext: Int, ciphertext: Int)]) {
        let total = records.reduce(0) { $0 + $1.ciphertext }
        var whole = RecordLedger()
        for record in records { whole.append(plaintext: record.plaintext, ciphertext: record.ciphertext) }
        for before in 0...total {
            var ledger = whole
            ledger.drop(allBut: before)
            for unsent in 0...before
            where ledger.unsentPlaintext(ofUnsentCiphertext: unsent) != expected(records, unsent: unsent) {
                Issue.record("\(records), \(before) and then \(unsent) unsent")
            }
        }
    }

    @Test func onlyWhatHasNotLeftIsRemembered() {
        var ledger = RecordLedger()
        for _ in 0..<10_000 {
            ledger.append(plaintext: 100, ciphertext: 122)
            ledger.drop(allBut: 300)
            #expect(ledger.count <= 3)
        }
        #expect(ledger.unsentPlaintext(ofUnsentCiphertext: 300) == 200)
        ledger.drop(allBut: 0)
        #expect(ledger.isEmpty)
        #expect(ledger.unsentPlaintext(ofUnsentCiphertext: 0) == 0)
    }

    @Test func aRecordThatHasLeftInPartDoesNotCount() {
        var ledger = RecordLedger()
        ledger.append(plaintext: 1_000, ciphertext: 1_022)
        #expect(ledger.unsentPlaintext(ofUnsentCiphertext: 1_021) == 0)
        #expect(ledger.unsentPlaintext(ofUnsentCiphertext: 1_022) == 1_000)
    }
}
