import TestSupport
import Testing

/// Rule 7, for output that is never dropped, and for all connections together.
@Suite struct UnreadOutputTests {
    @Test func whoNeitherReadsRepliesIsClosedAndFindsTheErrorWhenItReads() throws {
        try withRelay(options: ["--window", "64KiB"]) { relay, redis in
            let bystander = try relay.client()
            let before = relay.process.residentBytes
            let flooder = try relay.client()
            let pings = (0..<2000).flatMap { _ in HubrelayClientFrame.ping(id: 1 << 50).bytes }
            var offset = 0
            var written = 0
            try eventually("the relay has had enough") {
                // Writes a piece at a time, or less if the relay takes less.
                let end = written + 1 << 20
                while written < end, let count = try? flooder.socket.writeSome(pings[offset...]), count > 0 {
                    offset = (offset + count) % pings.count
                    written += count
                }
                return try relay.metric("hubrelay_connections_closed_total{code=\"too_many\"}") == 1
            }
            #expect(written < 100 << 20, "\(written) bytes of Pings were taken")
            #expect(relay.process.residentBytes - before < 32 << 20)
            try bystander.ping(within: 5)
            // This has to be quick, since the relay waits for only a second: bytes are read first, and frames are
            // decoded afterwards.
            var bytes: [UInt8] = []
            while let more = try flooder.socket.read(within: 5), !more.isEmpty { bytes += more }
            let last = try lastFrame(of: bytes)
            #expect(last.error.code == .tooMany, "the last frame was \(last.summary)")
        }
    }

    /// Goes through whole frames by their lengths, and decodes the last frame.
    private func lastFrame(of bytes: [UInt8]) throws -> HubrelayRelayFrame {
        var start = 0
        while start + 4 <= bytes.count {
            let next = start + 4 + bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
            if next == bytes.count { return try HubrelayRelayFrame(body: bytes[(start + 4)...]) }
            start = next
        }
        throw TestFailure("the stream ended inside a frame")
    }

    @Test func whatAllConnectionsTogetherDoNotReadIsBoundedToo() throws {
        let limits = ["--window", "1MiB", "--max-buffered", "2MiB"]
        try withRelay(options: limits) { relay, redis in
            let plain = try redis.client()
            let readers = try (0..<12).map { _ in try relay.client() }
            for reader in readers { #expect(try reader.subscribe("c") == .ok) }
            let before = relay.process.residentBytes
            var nobody = MessageAccount()
            try publishNumbers(0..<8000, through: plain, account: &nobody)
            // These requests go through the relay, so that it has handled every earlier message.
            let prompt = try relay.client()
            try prompt.ping(within: 5)
            #expect(try prompt.subscribe("d") == .ok)
            let buffered = try relay.metric("hubrelay_buffered_bytes")
            #expect(buffered > 0 && buffered <= Double(2 << 20), "\(buffered) bytes are buffered")
            #expect(relay.process.residentBytes - before < 48 << 20)
            for reader in readers {
                var account = MessageAccount()
                while account.next < 8000 { try account.take(reader.next()) }
                #expect(account.next == 8000)
                #expect(account.lost > 0)
            }
            try eventually("nothing is buffered") { try relay.metric("hubrelay_buffered_bytes") == 0 }
        }
    }

    @Test func repliesAndStatusesAreNotDroppedForASlowReader() throws {
        try withRelay(options: ["--window", "64KiB"]) { relay, redis in
            let plain = try redis.client()
            let slow = try relay.client()
            #expect(try slow.subscribe("c") == .ok)
            var nobody = MessageAccount()
            try publishNumbers(0..<4000, through: plain, account: &nobody)
            for id in UInt64(1)...100 { try slow.send(.ping(id: id)) }
            redis.stop()
            let witness = try relay.clientInAnyState()
            if witness.status.state != .down { try witness.collect(untilState: .down) }
            var account = MessageAccount()
            var replies: [UInt64] = []
            var states: [HubrelayState] = []
            _ = try slow.collect("everything") { frame in
                switch frame.frame {
                case .reply(let reply): replies.append(reply.id)
                case .status(let status): states.append(status.state)
                default: try account.take(frame)
                }
                return replies.count == 100 && states.last == .down && account.next == 4000
            }
            #expect(replies == Array(1...100))
            #expect(account.lost > 0)
        }
    }
}
