import TestSupport
import Testing

/// The purpose of the relay: app servers on different hosts hear each other.
@Suite struct TwoRelaysTests {
    /// Takes seconds: that many messages, each checked.
    @Test func twentyThousandMessagesBothWaysNoneMissingNoneTwice() throws {
        let redis = try RedisServer(onPort: true)
        let relays = try (0..<2).map { _ in try RelayProcess(redis: redis.url) }
        // Two app servers at each relay. Each of them hears the messages of both hosts.
        let readers = try relays.flatMap { relay in try (0..<2).map { _ in try relay.client() } }
        for reader in readers { #expect(try reader.subscribe("from.0", "from.1") == .ok) }
        let writers = try relays.map { try $0.client() }

        let count = 10_000
        let batch = 250
        for start in stride(from: 0, to: count, by: batch) {
            for (host, writer) in writers.enumerated() {
                let frames = (start..<start + batch).map {
                    HubrelayClientFrame.publish("from.\(host)", "\($0)", id: UInt64($0 + 1)).bytes
                }
                try writer.send(raw: Array(frames.joined()))
            }
            for writer in writers {
                for number in start..<start + batch {
                    let reply = try writer.expectReply(id: UInt64(number + 1))
                    guard reply.outcome == .ok, reply.receivers == 2 else {
                        throw TestFailure("publish \(number): \(reply)")
                    }
                }
            }
            for reader in readers { try expectBatch(start..<start + batch, at: reader) }
        }
        for reader in readers { try reader.ping() }
        for relay in relays { try relay.stop() }
    }

    /// Takes the messages of both hosts in one batch. Each host's messages come in order, mixed with the other's in any
    /// way.
    private func expectBatch(_ numbers: Range<Int>, at reader: TestConnection) throws {
        var next = [numbers.lowerBound, numbers.lowerBound]
        while next != [numbers.upperBound, numbers.upperBound] {
            let message = try reader.expectMessage()
            let host = message.channel == "from.0" ? 0 : 1
            guard message.text == "\(next[host])" else {
                throw TestFailure("expected \(next[host]) from \(host), got \(message.text)")
            }
            next[host] += 1
        }
    }

    @Test func aPatternHearsBothHosts() throws {
        let redis = try RedisServer()
        let relays = try (0..<2).map { _ in try RelayProcess(redis: redis.url) }
        let clients = try relays.map { try $0.client() }
        for client in clients { #expect(try client.subscribe(patterns: ["room.*"]) == .ok) }
        for (host, client) in clients.enumerated() {
            #expect(try client.publish("room.\(host)", "hello").receivers == 2)
        }
        for client in clients {
            let found = try (0..<2).map { _ in try client.expectMessage().channel }
            #expect(found == ["room.0", "room.1"])
        }
        for relay in relays { try relay.stop() }
    }
}
