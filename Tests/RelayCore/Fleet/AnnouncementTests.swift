import TestSupport
import Testing

@testable import RelayCore

/// What a relay says about itself to the others, as bytes that anybody may have written.
@Suite struct AnnouncementTests {
    private let announcement = Announcement(
        relayID: "abc", host: "web1", version: "1.2", socket: "/run/a.sock", state: .degraded, cause: .timeout,
        sinceUnixMilliseconds: 1_700_000_000_000, roundTripMicroseconds: 250, connections: 8,
        intervalMilliseconds: 30_000)

    private func read(_ bytes: [UInt8]) throws -> Announcement? {
        try bytes.withUnsafeBytes { try Announcement($0) }
    }

    @Test func whatIsWrittenIsRead() throws {
        #expect(try read(announcement.bytes) == announcement)
        var plain = announcement
        (plain.state, plain.cause, plain.roundTripMicroseconds, plain.connections) = (.up, .unspecified, 0, 0)
        #expect(try read(plain.bytes) == plain)
    }

    /// A field of each type, and a cause, that only a later version knows.
    @Test func whatIsNewIsPassedOver() throws {
        let later: [UInt8] = [0x5a, 2, 65, 66, 0x60, 7, 0x69, 1, 2, 3, 4, 5, 6, 7, 8, 0x30, 99]
        var expected = announcement
        expected.cause = .unspecified
        #expect(try read(announcement.bytes + later) == expected)
        #expect(try read(announcement.bytes + [0x28, 5])?.state == .degraded)
    }

    @Test func longTextsAreCutBetweenCharacters() throws {
        let long = Announcement(
            relayID: "abc", host: String(repeating: "é", count: 200), version: "1", socket: "", state: .up,
            intervalMilliseconds: 1)
        #expect(long.host == String(repeating: "é", count: 127))
        #expect(try read(long.bytes) == long)
    }

    private func varint(_ value: UInt64) -> [UInt8] {
        value < 128 ? [UInt8(value)] : [UInt8(value & 127 | 128)] + varint(value >> 7)
    }

    /// The shortest announcement that can be used, changed in one place.
    @Test func whatSaysNothingUsefulIsNothing() throws {
        func bytes(id: Int = 3, host: Int = 0, version: Int = 0, state: UInt8 = 1, interval: [UInt8] = [1]) -> [UInt8] {
            func text(_ number: UInt8, _ count: Int) -> [UInt8] {
                [number << 3 | 2] + varint(UInt64(count)) + [UInt8](repeating: 97, count: count)
            }
            return text(1, id) + text(2, host) + text(3, version) + [0x28, state, 0x50] + interval
        }
        for good in [bytes(), bytes(id: 64), bytes(host: 255), bytes(version: 64), bytes(state: 4), bytes(state: 5)] {
            #expect(try read(good) != nil)
        }
        #expect(try read(bytes(interval: varint(1_209_600_000))) != nil)
        for bad in [
            [], bytes(id: 0), bytes(id: 65), bytes(host: 256), bytes(version: 65), bytes(state: 0),
            bytes(interval: [0]), bytes(interval: varint(1_209_600_001)),
        ] {
            #expect(try read(bad) == nil)
        }
        #expect(throws: WireError.badUTF8) { try read(bytes() + [0x12, 1, 0xff]) }
    }

    @Test func everyBeginningAndEveryChangeOfAByteCanBeRead() {
        let bytes = announcement.bytes
        for count in bytes.indices { _ = try? read(Array(bytes[..<count])) }
        for index in bytes.indices {
            for value in UInt8.min...UInt8.max {
                var changed = bytes
                changed[index] = value
                guard let read = (try? read(changed)) ?? nil else { continue }
                #expect(read.host.utf8.count <= 255 && 1...1_209_600_000 ~= read.intervalMilliseconds)
            }
        }
    }
}
