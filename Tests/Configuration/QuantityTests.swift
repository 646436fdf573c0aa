import Testing

@testable import Configuration

/// The outcome of a parser in a form that can be compared: a value, or the reason why it is refused.
///
/// The type of the closure's error is not given, because Swift infers `any Error` for closures with a `try` in them.
func outcome<Value>(_ parse: () throws -> Value) -> Result<Value, InvalidValue> {
    do { return .success(try parse()) } catch { return .failure(error as! InvalidValue) }
}

@Suite struct QuantityTests {
    static let durations: [(String, UInt64)] = [
        ("5", 5 * second), ("0", 0), ("0s", 0), ("5s", 5 * second), ("500ms", 500 * millisecond),
        ("1.5s", 1500 * millisecond), ("0.3s", 300 * millisecond), ("0.5ms", 500_000), ("2m", 2 * minute),
        ("0.25", 250 * millisecond), ("1.5m", 90 * second), ("0.000000001s", 1), ("0.000001ms", 1),
        ("0.123456789m", 7_407_407_340), ("007s", 7 * second), ("3600000ms", hour), ("60m", hour),
    ]

    @Test(arguments: durations)
    func durationsAreExact(text: String, nanoseconds: UInt64) {
        #expect(outcome { try parseDuration(text, in: 0...hour) } == .success(nanoseconds))
    }

    @Test(arguments: [
        "", "s", "ms", "m", "-1s", "+1s", "1 s", " 1s", "1s ", "1.s", ".5s", "1.0000000000s", "1.5.0s",
        "1,5s",
        "1h", "1S", "1MS", "1us", "1e3", "0x10s", "s1", "five", "1ss", "1mm", "١s", "off", "\n", "1s\n", "..",
        ".",
    ])
    func otherTextIsNoDuration(text: String) {
        let result = outcome { try parseDuration(text, in: 0...hour) }
        #expect(result == .failure(InvalidValue("is not a duration")))
    }

    @Test(arguments: [
        "9ms", "0", "0.009", "3600.001s", "61m", "18446744073709551615s", "18446744073709551616ms",
        "99999999999999999999999999", "307445734561825861m", "18446744073.709551616",
    ])
    func durationsOutOfRangeSayIt(text: String) {
        let result = outcome { try parseDuration(text, in: 10 * millisecond...hour) }
        #expect(result == .failure(InvalidValue("is out of range")))
    }

    @Test func theLongestDurationOf64BitsIsNoOverflow() {
        let all = outcome { try parseDuration("18446744073.709551615", in: 0...UInt64.max) }
        #expect(all == .success(.max))
        let more = outcome { try parseDuration("18446744073.709551616", in: 0...UInt64.max) }
        #expect(more == .failure(InvalidValue("is out of range")))
        let tooManyDigits = outcome { try parseDuration("99999999999999999999999999", in: 0...UInt64.max) }
        #expect(tooManyDigits == .failure(InvalidValue("is out of range")))
    }

    @Test(arguments: [
        ("1", 1), ("1B", 1), ("1KiB", 1024), ("4MiB", 4 << 20), ("1GiB", 1 << 30), ("65536", 65536),
        ("0001KiB", 1024),
    ])
    func sizesAreBytes(text: String, bytes: Int) {
        #expect(outcome { try parseSize(text, in: 1...gibibyte) } == .success(bytes))
    }

    @Test(arguments: [
        "", "B", "KiB", "1KB", "1K", "1k", "1kib", "1.5MiB", "1.0", "1 MiB", "-1", "1TiB", "1BB", "x",
    ])
    func otherTextIsNoSize(text: String) {
        let result = outcome { try parseSize(text, in: 1...gibibyte) }
        #expect(result == .failure(InvalidValue("is not a size")))
    }

    @Test(arguments: ["0", "2GiB", "1073741825", "99999999999GiB", "999999999999999999999999KiB"])
    func sizesOutOfRangeSayIt(text: String) {
        let result = outcome { try parseSize(text, in: 1...gibibyte) }
        #expect(result == .failure(InvalidValue("is out of range")))
    }

    @Test func countsAreWholeNumbers() {
        #expect(outcome { try parseCount("10", in: 1...10) } == .success(10))
        for text in ["", "1.0", "-1", "+1", "1_000", "1 ", "0b1", "ten"] {
            let result = outcome { try parseCount(text, in: 1...10) }
            #expect(result == .failure(InvalidValue("is not a whole number")), "\(text)")
        }
        for text in ["0", "11", "18446744073709551616"] {
            #expect(outcome { try parseCount(text, in: 1...10) } == .failure(InvalidValue("is out of range")))
        }
    }

    @Test(arguments: [("0660", 0o660), ("660", 0o660), ("0", 0), ("777", 0o777), ("0000600", 0o600)])
    func modesAreOctal(text: String, mode: Int) {
        #expect(outcome { try parseMode(text) } == .success(UInt32(mode)))
    }

    @Test(arguments: ["", "0o660", "rw-rw----", "8", "0668", "-1", "1000", "4755", "77777777777777"])
    func otherTextIsNoMode(text: String) {
        #expect(throws: InvalidValue.self) { try parseMode(text) }
    }

    @Test func idsAreListsOfNumbers() {
        #expect(outcome { try parseIDs("0") } == .success([0]))
        #expect(outcome { try parseIDs("1000,33,4294967294") } == .success([1000, 33, 4_294_967_294]))
        for text in ["", ",", "1,", ",1", "1,,2", "1, 2", "www-data", "4294967295", "-1", "1;2"] {
            #expect(throws: InvalidValue.self, "\(text)") { try parseIDs(text) }
        }
    }

    @Test func formattedQuantitiesAreTheShortestAndParseAgain() {
        let durations: [(UInt64, String)] = [
            (0, "0s"), (millisecond, "1ms"), (second, "1s"), (1500 * millisecond, "1500ms"),
            (90 * second, "90s"),
            (hour, "60m"), (500_000, "0.500000ms"), (1_000_001, "1.000001ms"),
        ]
        for (nanoseconds, text) in durations {
            #expect(formatDuration(nanoseconds) == text)
            #expect(outcome { try parseDuration(text, in: 0...hour) } == .success(nanoseconds))
        }
        let sizes: [(UInt64, String)] = [
            (0, "0B"), (1, "1B"), (1023, "1023B"), (1024, "1KiB"), (1536, "1536B"), (mebibyte, "1MiB"),
            (64 * mebibyte - 4 * kibibyte, "65532KiB"), (gibibyte, "1GiB"),
        ]
        for (bytes, text) in sizes {
            #expect(formatSize(bytes) == text)
            #expect(outcome { try parseSize(text, in: 0...gibibyte) } == .success(Int(bytes)))
        }
    }
}
