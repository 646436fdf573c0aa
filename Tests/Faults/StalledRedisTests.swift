import TestSupport
import Testing

/// Redis stalls for less than the links' deadline while several apps publish as fast as they can.
@Suite struct StalledRedisTests {
    /// An app that writes as much as its socket takes.
    private final class Flooder {
        let client: TestConnection
        let channel: String
        let hasIDs: Bool
        private(set) var begun: UInt64 = 0
        private var rest: ArraySlice<UInt8> = []

        init(_ client: TestConnection, channel: String, hasIDs: Bool) {
            (self.client, self.channel, self.hasIDs) = (client, channel, hasIDs)
        }

        /// - Returns: how many bytes the socket took.
        func write() throws -> Int {
            if rest.isEmpty {
                begun += 1
                let payload = Array("\(begun) ".utf8) + [UInt8](repeating: 65, count: 1000)
                rest = HubrelayClientFrame.publish(channel, payload, id: hasIDs ? begun : 0).bytes[...]
            }
            let count = try client.socket.writeSome(rest)
            rest = rest.dropFirst(count)
            return count
        }

        /// Writes the rest of the frame that the socket has taken in part.
        func finishFrame() throws {
            try client.send(raw: Array(rest))
            rest = []
        }
    }

    @Test func publishersBlockInTheirOwnSocketsAndNothingIsLost() throws {
        try withRelay(options: ["--link-timeout", "60s"]) { relay, redis in
            let listener = try redis.client()
            let flooders = try (0..<4).map {
                Flooder(try relay.client(), channel: "flood.\($0)", hasIDs: $0 > 0)
            }
            for flooder in flooders { try listener.subscribe("t:" + flooder.channel) }
            let bystander = try relay.client()
            #expect(try bystander.subscribe("other") == .ok)
            redis.freeze()
            let before = relay.process.residentBytes
            let slowest = try flood(flooders, beside: bystander)
            #expect(slowest < 2, "a Ping took \(slowest) s")
            let memory = relay.process.residentBytes - before
            #expect(memory < 32 << 20, "\(memory) bytes more")
            // They stay blocked: the relay does not continue to read from any of them.
            for flooder in flooders { #expect(!flooder.client.socket.canWrite(within: 0.1)) }

            redis.thaw()
            for flooder in flooders { try flooder.finishFrame() }
            try expectAllAnswered(flooders)
            try expectAllPublished(flooders, at: listener)
            try bystander.ping()
            #expect(bystander.status.outages == 0 && bystander.status.gaps == 0)
            #expect(try bystander.nextIfAny(within: 0) == nil, "a false alarm")
        }
    }

    /// Lets all of them write until none can write for half a second. In between, another connection sends Pings.
    /// - Returns: the seconds that the slowest Ping took.
    private func flood(_ flooders: [Flooder], beside bystander: TestConnection) throws -> Double {
        var written = 0
        var slowest = 0.0
        var patience = TestDeadline(within: 0.5)
        while !patience.isOver, written < 400 << 20 {
            var taken = 0
            for flooder in flooders {
                for _ in 0..<20 { taken += try flooder.write() }
            }
            if taken > 0 { patience = TestDeadline(within: 0.5) }
            written += taken
            slowest = max(slowest, try bystander.ping())
        }
        #expect(written < 32 << 20, "the relay and four sockets took \(written) bytes")
        return slowest
    }

    /// Expects OK for every id, and no other frame: no Loss, no Status.
    private func expectAllAnswered(_ flooders: [Flooder]) throws {
        for flooder in flooders where flooder.hasIDs {
            for id in 1...flooder.begun {
                guard try flooder.client.expectReply(id: id).outcome == .ok else {
                    throw TestFailure("publish \(id) of \(flooder.begun) was not taken")
                }
            }
        }
        for flooder in flooders {
            #expect(try flooder.client.publish(flooder.channel, "0 the end").outcome == .ok)
            #expect(try flooder.client.nextIfAny(within: 0) == nil)
        }
    }

    private func expectAllPublished(_ flooders: [Flooder], at listener: RedisClient) throws {
        var next = Dictionary(uniqueKeysWithValues: flooders.map { ("t:" + $0.channel, UInt64(1)) })
        var ended = 0
        while ended < flooders.count {
            let (channel, payload) = try listener.nextMessage()
            let number = UInt64(String(decoding: payload.prefix { $0 != 32 }, as: UTF8.self))
            if number == 0 {
                ended += 1
            } else if number == next[channel] {
                next[channel, default: 0] += 1
            } else {
                throw TestFailure("\(channel): expected \(next[channel, default: 0]), got \(number ?? 0)")
            }
        }
        for flooder in flooders { #expect(next["t:" + flooder.channel] == flooder.begun + 1) }
    }
}
