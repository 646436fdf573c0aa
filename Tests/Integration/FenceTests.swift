import Glibc
import Synchronization
import TestSupport
import Testing

/// Rule 11, with two relays at one Redis: a fence is at the same place among the messages of both relays.
@Suite struct FenceTests {
    /// Takes seconds: a thousand fences between ten thousand messages.
    @Test func theSameMessagesAreBeforeAndBehindAFenceAtBothRelays() throws {
        let redis = try RedisServer()
        let relays = try (0..<2).map { _ in try RelayProcess(redis: redis.url) }
        let fences = 1000
        let names = (0..<fences).map { "__hubrelay:fence:\($0)" }
        let readers = try relays.map { relay in
            let reader = try relay.client()
            guard reader.welcome.features.contains("fence") else { throw TestFailure("no fences") }
            // All fences are in one request. The other channel has a request of its own, as in an app.
            guard try reader.subscribe("room") == .ok else { throw TestFailure("not subscribed") }
            let id = reader.newID()
            guard try reader.request(.subscribe(names, id: id), id: id).outcome == .ok else {
                throw TestFailure("no fence is subscribed to")
            }
            return reader
        }
        // Messages come from both relays at the same time, as fast as possible, and fences from either relay in
        // between.
        let writers = try relays.map { try $0.client() }
        for number in 0..<fences {
            for (host, writer) in writers.enumerated() {
                var frames = (0..<5).map {
                    HubrelayClientFrame.publish("room", "\(host) \(number) \($0)", id: 0).bytes
                }
                if host == number % 2 {
                    frames.insert(HubrelayClientFrame.publish(names[number], "", id: 0).bytes, at: 2)
                }
                try writer.send(raw: Array(frames.joined()))
            }
        }
        let count = fences + fences * 2 * 5
        let heard = try readers.map { reader in
            try (0..<count).map { _ in
                let message = try reader.expectMessage()
                return message.channel == "room" ? message.text : message.channel
            }
        }
        #expect(heard[0] == heard[1] && heard[0].count { $0.hasPrefix("__hubrelay:fence:") } == fences)
        for relay in relays { try relay.stop() }
    }

    /// What a client does that moves from one relay to another under load: no message is missing, and none comes twice.
    @Test func aClientThatMovesBehindAFenceMissesNothing() throws {
        let redis = try RedisServer()
        let relays = try (0..<2).map { _ in try RelayProcess(redis: redis.url) }
        let path = relays[0].socketPath
        var current = try relays[0].client()
        #expect(try current.subscribe("room") == .ok)
        // The flood stays so close to the readers that none becomes a slow reader, however busy the machine is.
        let progress = Progress()
        let flood = try Background {
            let writer = try TestConnection(path: path)
            try writer.hello()
            if writer.status.state != .up { try writer.collect(untilState: .up) }
            var next = 0
            return {
                guard next < progress.lastHeard.load(ordering: .relaxed) + 2000 else {
                    usleep(1000)
                    return
                }
                let frames = (next..<next + 20).map {
                    HubrelayClientFrame.publish("room", "\($0)", id: UInt64($0 + 1)).bytes
                }
                next += 20
                try writer.send(raw: Array(frames.joined()))
                for number in next - 20..<next { try writer.expectReply(id: UInt64(number + 1)) }
            }
        }
        var heard: [Int] = []
        func hear(_ message: HubrelayMessage) throws {
            heard.append(try number(message))
            progress.lastHeard.store(heard[heard.count - 1], ordering: .relaxed)
        }
        for move in 1...20 {
            let next = try relays[move % 2].client()
            let fence = "__hubrelay:fence:\(move)"
            #expect(try next.subscribe("room") == .ok && next.subscribe(fence) == .ok)
            #expect(try current.subscribe(fence) == .ok)
            #expect(try current.publish(fence, "").outcome == .ok)
            while case let message = try current.expectMessage(), message.channel != fence {
                try hear(message)
            }
            while try next.expectMessage().channel != fence {}
            for _ in 0..<50 { try hear(next.expectMessage()) }
            current.socket.close()
            current = next
        }
        try flood.stop()
        #expect(heard == Array(heard[0]..<heard[0] + heard.count) && heard.count > 1000)
        for relay in relays { try relay.stop() }
    }

    private final class Progress: Sendable {
        let lastHeard = Atomic(0)
    }

    private func number(_ message: HubrelayMessage) throws -> Int {
        guard let number = Int(message.text) else { throw TestFailure("not a number: \(message.text)") }
        return number
    }
}
