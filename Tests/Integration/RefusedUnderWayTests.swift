import Glibc
import SwiftProtobuf
import TestSupport
import Testing

/// Redis refuses names that are in flight, while other things happen to these names.
@Suite struct RefusedUnderWayTests {
    private static let forbidding = ["ACL", "SETUSER", "default", "resetchannels", "&t:__hubrelay:*"]

    @Test func aNameAskedForAgainWhileItsRefusalIsOnItsWayIsForgottenOnce() throws {
        try withRelay { relay, redis in
            let plain = try redis.client()
            try plain.run(Self.forbidding)
            let first = try relay.client()
            let second = try relay.client()
            redis.freeze()
            try first.send(raw: HubrelayClientFrame.subscribe(["x", "y"], id: 1).bytes)
            try first.socket.waitUntilPeerHasRead()
            // All of this waits for the relay until it continues: the second request, both closes, and the refusal.
            relay.process.signal(SIGSTOP)
            try second.send(raw: HubrelayClientFrame.subscribe(["x"], id: 1).bytes)
            first.socket.close()
            second.socket.close()
            redis.thaw()
            for _ in 0..<3 { try plain.run("PING") }
            relay.process.signal(SIGCONT)
            try relay.client().ping()
            try eventually("nothing is left of either") { try relay.metric("hubrelay_subscriptions") == 0 }
        }
    }

    @Test func aRefusalOfVeryManyNamesFitsAFrame() throws {
        try withRelay(options: ["--max-payload", "64KiB"]) { relay, redis in
            try redis.client().run(Self.forbidding)
            let client = try relay.client()
            let limit = Int(client.welcome.maxFrameBytes)
            // Each name takes 503 bytes of the frame, so that the request is nearly as long as a frame may be.
            let names = (0..<(limit - 20) / 503).map { (index: Int) -> String in
                String(repeating: "n", count: 490) + String(10_000_000_000 + index).suffix(10)
            }
            let request = HubrelayClientFrame.subscribe(names, id: 1)
            #expect(request.bytes.count - 4 <= limit)
            try client.send(raw: request.bytes)
            let frame = try client.next()
            #expect(frame.reply.outcome == .refused)
            #expect(try frame.serializedData().count <= limit)
            #expect(frame.reply.refusedNames.count > 100 && frame.reply.refusedNames.count < names.count)
            #expect(frame.reply.detail.contains("\(names.count) names"))
            try client.ping()
        }
    }
}
