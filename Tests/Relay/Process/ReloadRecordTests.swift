import Testing

@testable import Relay

@Suite("What came of reading passwords and certificates")
struct ReloadRecordTests {
    private var record = ReloadRecord(startedAt: 1)

    @Test func theStartIsASuccess() {
        #expect(record.isSuccessful && record.count == 0 && record.succeededAt == 1)
    }

    @Test func oneThatFailsIsCountedAndChangesNoTime() {
        var record = record
        record.asked(passwords: ["p"], certificates: nil, at: 5)
        #expect(!record.isSuccessful && record.count == 1 && record.succeededAt == 1 && record.problems == ["p"])
        record.asked(passwords: [], certificates: "c", at: 6)
        #expect(!record.isSuccessful && record.count == 2 && record.succeededAt == 1 && record.problems == ["c"])
        record.asked(passwords: [], certificates: nil, at: 7)
        #expect(record.isSuccessful && record.count == 3 && record.succeededAt == 7 && record.problems.isEmpty)
    }

    @Test func certificatesThatAreReadAtAnAttemptSayNothingOfPasswords() {
        var record = record
        record.asked(passwords: ["p"], certificates: "c", at: 5)
        record.readCertificates(nil, at: 6)
        #expect(record.problems == ["p"] && record.succeededAt == 1 && record.count == 1)
        record.asked(passwords: [], certificates: nil, at: 7)
        record.readCertificates("c", at: 8)
        #expect(record.problems == ["c"] && record.succeededAt == 7)
        record.readCertificates(nil, at: 9)
        #expect(record.isSuccessful && record.succeededAt == 9)
    }
}
