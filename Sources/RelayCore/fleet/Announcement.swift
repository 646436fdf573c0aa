/// What a relay announces about itself to the other relays of its prefix, on the channel `fleetChannel` under the
/// prefix: a protobuf message.
///
///     message Announcement {
///       string relay_id = 1;         // random, new at each start: 1 to 64 bytes
///       string host = 2;             // up to 255 bytes
///       string version = 3;          // up to 64 bytes
///       string socket = 4;           // the path that apps connect to, up to 255 bytes
///       uint32 state = 5;            // as in a Status frame, not 0; STOPPING: the relay leaves, this is the last one
///       uint32 cause = 6;            // as in a Status frame
///       uint64 since_unix_ms = 7;    // when it entered the state
///       uint64 round_trip_us = 8;    // of its last probe; 0: unknown
///       uint64 connections = 9;      // of apps
///       uint64 interval_ms = 10;     // to the next one, on average, if nothing changes: 1 to 1,209,600,000
///     }
///
/// A reader skips fields that it does not know, so that later versions can add some. It takes an unknown state for
/// DEGRADED.
package struct Announcement: Equatable, Sendable {
    package var relayID: String
    package var host: String
    package var version: String
    package var socket: String
    package var state: State
    package var cause: Cause
    package var sinceUnixMilliseconds: UInt64
    package var roundTripMicroseconds: UInt64
    package var connections: UInt64
    package var intervalMilliseconds: UInt64

    package init(
        relayID: String, host: String, version: String, socket: String, state: State, cause: Cause = .unspecified,
        sinceUnixMilliseconds: UInt64 = 0, roundTripMicroseconds: UInt64 = 0, connections: UInt64 = 0,
        intervalMilliseconds: UInt64
    ) {
        (self.relayID, self.version) = (relayID, version)
        (self.host, self.socket) = (Self.prefix(of: host), Self.prefix(of: socket))
        (self.state, self.cause, self.sinceUnixMilliseconds) = (state, cause, sinceUnixMilliseconds)
        (self.roundTripMicroseconds, self.connections) = (roundTripMicroseconds, connections)
        self.intervalMilliseconds = intervalMilliseconds
    }

    /// The most bytes of a host or a path, and of an id or a version.
    private static let (longestText, longestWord) = (255, 64)
    /// Milliseconds, up to two weeks: the longest interval in the largest fleet is shorter than that.
    private static let intervals: ClosedRange<UInt64> = 1...1_209_600_000

    /// The first characters of a text, as many as fit in `longestText` bytes.
    private static func prefix(of text: String) -> String {
        guard text.utf8.count > longestText else { return text }
        var (kept, room) = (String.UnicodeScalarView(), longestText)
        for scalar in text.unicodeScalars {
            room -= scalar.utf8.count
            if room < 0 { break }
            kept.append(scalar)
        }
        return String(kept)
    }

    /// The bytes to publish.
    package var bytes: [UInt8] {
        let texts = [relayID, host, version, socket]
        let numbers = [
            UInt64(state.rawValue), UInt64(cause.rawValue), sinceUnixMilliseconds, roundTripMicroseconds, connections,
            min(max(intervalMilliseconds, Self.intervals.lowerBound), Self.intervals.upperBound),
        ]
        let size =
            texts.reduce(0) { $0 + WireWriter.size(ofText: $1) }
            + numbers.reduce(0) { $0 + WireWriter.size(ofField: $1) }
        return [UInt8](unsafeUninitializedCapacity: size) { memory, count in
            guard let start = memory.baseAddress else { return }
            var writer = WireWriter(start)
            var number: UInt8 = 1
            for text in texts {
                writer.field(number, text)
                number += 1
            }
            for value in numbers {
                writer.field(number, value)
                number += 1
            }
            count = writer.position - start
        }
    }

    /// Reads bytes that any client may have published.
    /// - Throws: `WireError` for bytes that are not a message; nil is returned for a message without usable values.
    package init?(_ bytes: UnsafeRawBufferPointer) throws(WireError) {
        var (texts, numbers) = ([String](repeating: "", count: 4), [UInt64](repeating: 0, count: 6))
        var reader = WireReader(bytes)
        while let field = try reader.next() {
            switch (field.number, field.value) {
            case (1...4, .bytes(let bytes)):
                guard isValidUTF8(bytes) else { throw .badUTF8 }
                guard bytes.count <= Self.longestText else { return nil }
                texts[Int(field.number) - 1] = String(decoding: bytes, as: UTF8.self)
            case (5...10, .varint(let value)): numbers[Int(field.number) - 5] = value
            default: break
            }
        }
        guard 1...Self.longestWord ~= texts[0].utf8.count, texts[2].utf8.count <= Self.longestWord,
            numbers[0] > 0, Self.intervals.contains(numbers[5])
        else { return nil }
        self.init(
            relayID: texts[0], host: texts[1], version: texts[2], socket: texts[3],
            state: UInt8(exactly: numbers[0]).flatMap(State.init) ?? .degraded,
            // A later version may have causes that this one does not know.
            cause: UInt8(exactly: numbers[1]).flatMap(Cause.init) ?? .unspecified, sinceUnixMilliseconds: numbers[2],
            roundTripMicroseconds: numbers[3], connections: numbers[4], intervalMilliseconds: numbers[5])
    }
}
