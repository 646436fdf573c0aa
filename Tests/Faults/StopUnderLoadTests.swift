import Glibc
import Synchronization
import TestSupport
import Testing

/// The relay is asked to stop while its clients publish as fast as they can.
@Suite struct StopUnderLoadTests {
    @Test func everyPublishIsAnsweredAndTheEndComesInTime() throws {
        let redis = try RedisServer()
        let relay = try RelayProcess(redis: redis.url, options: ["--stop-timeout", "20s"])
        let ledgers = try (0..<3).map { _ in try Publisher(relay) }
        try eventually("they publish") { try ledgers.allSatisfy { try $0.background.steps() > 3 } }
        relay.process.signal(15)
        for ledger in ledgers {
            try eventually("it was told and has left") { try ledger.background.steps() >= 0 && ledger.isDone }
            try ledger.background.stop()
            let (sent, answered) = ledger.counts
            #expect(answered == sent && sent > 0, "\(answered) Replies to \(sent)")
        }
        // This is well before the stop timeout, since all clients have left.
        try relay.expectExit(within: 15)
    }

    /// Their app has gone, so nobody could be notified.
    @Test func whatAClosedConnectionHasPublishedIsWithRedisBeforeTheEnd() throws {
        let redis = try RedisServer()
        let relay = try RelayProcess(redis: redis.url, options: ["--stop-timeout", "60s"])
        let plain = try redis.client()
        try plain.subscribe("t:c")
        let client = try relay.client()
        let count = 20_000
        let frame = HubrelayClientFrame.publish("c", "x", id: 0).bytes
        try client.send(raw: (0..<count).flatMap { _ in frame })
        client.socket.close()
        relay.process.signal(SIGTERM)
        for number in 1...count { #expect(try plain.nextMessage().channel == "t:c", "message \(number)") }
        try relay.expectExit()
    }

    @Test func whoNeverLeavesIsLeftInTime() throws {
        let redis = try RedisServer()
        let relay = try RelayProcess(redis: redis.url, options: ["--stop-timeout", "500ms"])
        let path = relay.socketPath
        let flood = try Background {
            let stubborn = try TestConnection(path: path)
            try stubborn.hello()
            let bytes = (0..<200).flatMap { _ in HubrelayClientFrame.publish("c", "x", id: 0).bytes }
            return { try stubborn.send(raw: bytes) }
        }
        try eventually("it publishes") { try flood.steps() > 3 }
        relay.process.signal(15)
        try relay.expectExit(within: 10)
        // The relay closed the connection while the flood was writing to it.
        #expect(throws: TestFailure.self) { try flood.stop() }
    }
}

/// Publishes in batches until the relay reports that it stops, reads the outstanding Replies, and closes.
private final class Publisher: Sendable {
    let background: Background
    private let state: Counts

    private final class Counts: Sendable {
        let value = Mutex((sent: 0, answered: 0, isDone: false))
    }

    init(_ relay: RelayProcess) throws {
        let (path, counts) = (relay.socketPath, Counts())
        state = counts
        background = try Background {
            let client = try TestConnection(path: path)
            try client.hello()
            if client.status.state != .up { try client.collect(untilState: .up) }
            var next: UInt64 = 1
            return {
                guard client.status.state == .up else {
                    client.socket.close()
                    return counts.value.withLock { $0.isDone = true }
                }
                let ids = next..<next + 100
                next += 100
                try client.send(raw: ids.flatMap { HubrelayClientFrame.publish("c", "x", id: $0).bytes })
                counts.value.withLock { $0.sent += ids.count }
                var left = Set(ids)
                while !left.isEmpty {
                    let frame = try client.next()
                    guard case .reply(let reply) = frame.frame else { continue }
                    guard left.remove(reply.id) != nil, reply.outcome == .ok else {
                        throw TestFailure("not owed: \(frame.summary)")
                    }
                    counts.value.withLock { $0.answered += 1 }
                }
            }
        }
    }

    var isDone: Bool { state.value.withLock { $0.isDone } }
    var counts: (sent: Int, answered: Int) { state.value.withLock { ($0.sent, $0.answered) } }
}
