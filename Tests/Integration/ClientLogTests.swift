import Glibc
import TestSupport
import Testing

/// Log lines about single clients.
@Suite struct ClientLogTests {
    private func lines(_ relay: RelayProcess, _ text: String) -> [Substring] {
        relay.process.errors.split(separator: "\n").filter { $0.contains(text) }
    }

    private let me = "uid=\(getuid())"

    @Test func theFirstLossOfASlowReaderNamesIt() throws {
        try withRelay(options: ["--window", "16KiB"]) { relay, redis in
            let slow = try relay.client(name: "tortoise \u{1b}[2J")
            #expect(try slow.subscribe("c") == .ok)
            let plain = try redis.client()
            let payload = String(repeating: "x", count: 10_000)
            try eventually("it loses messages") {
                try plain.run("PUBLISH", relay.prefix + "c", payload)
                return try relay.metric("hubrelay_messages_lost_total{cause=\"slow_reader\"}") > 20
            }
            try eventually("it is logged") { !lines(relay, "does not read fast enough").isEmpty }
            let told = lines(relay, "does not read fast enough")
            #expect(told.count == 1 && told[0].contains(" warning "))
            #expect(told[0].contains(#"client="tortoise \u{1b}[2J""#) && told[0].contains(me))
            #expect(told[0].contains("pid=\(getpid())") && told[0].contains("unread="))
        }
    }

    @Test func aMalformedFrameIsToldWithItsFieldAndItsSender() throws {
        try withRelay { relay, redis in
            _ = try relay.client()  // UP from now on, so that no Status comes in between
            let app = try relay.connect()
            try app.hello(name: "worker-3")
            // Publish with a channel that is not UTF-8.
            try app.send(raw: [0, 0, 0, 5, 2 << 3 | 2, 3, 1 << 3 | 2, 1, 0xff])
            let error = try app.expectError()
            #expect(error.detail.contains("publish.channel is invalid: a string that is not UTF-8"))
            try eventually("it is logged") { !lines(relay, "closing a connection").isEmpty }
            let line = lines(relay, "closing a connection")[0]
            #expect(line.contains("client=worker-3") && line.contains(me) && line.contains("pid=\(getpid())"))
            #expect(line.contains("code=malformed") && line.contains("publish.channel is invalid"))
        }
    }

    @Test func whoIsRefusedIsTold() throws {
        try withRelay(options: ["--allow-uid", "\(getuid() + 1)"]) { relay, redis in
            try relay.connect().expectError()
            try eventually("it is logged") { !lines(relay, "code=not_allowed").isEmpty }
            let line = lines(relay, "code=not_allowed")[0]
            #expect(line.contains(me) && line.contains("pid=\(getpid())"))
        }
    }

    @Test func aSignalTurnsDebugLinesOnAndOff() throws {
        try withRelay { relay, redis in
            try relay.client().socket.close()
            #expect(lines(relay, " debug ").isEmpty)
            relay.process.signal(SIGUSR1)
            try eventually("debug lines are on") { lines(relay, "to=debug").count == 1 }
            let app = try relay.connect()
            try app.hello(name: "worker-4")
            #expect(try app.subscribe("a", "b") == .ok)
            #expect(try app.publish("a", "x").outcome == .ok)
            #expect(try app.unsubscribe("b") == .ok)
            app.socket.close()
            func closed() -> Substring? {
                lines(relay, "a connection is closed").first { $0.contains("client=worker-4") }
            }
            try eventually("it is gone") { closed() != nil }
            #expect(closed()?.contains("published=1") == true)
            #expect(lines(relay, "a connection was accepted").contains { $0.contains(me) })
            #expect(lines(relay, "a client has said Hello").contains { $0.contains("client=worker-4") })
            let subscribed = lines(relay, "a client subscribes")
            #expect(subscribed.count == 1 && subscribed[0].contains("names=2") && subscribed[0].contains("outcome=ok"))
            #expect(lines(relay, "a client unsubscribes").contains { $0.contains("names=1") })

            relay.process.signal(SIGUSR1)
            try eventually("they are off") { lines(relay, "to=info").count == 1 }
            let before = lines(relay, " debug ").count
            try relay.client().socket.close()
            _ = try relay.http("/livez")
            #expect(lines(relay, " debug ").count == before)
        }
    }

    @Test func whereDebugLinesAreOnFromTheStartTheSignalTurnsThemOff() throws {
        try withRelay(options: ["--log-level", "debug"]) { relay, redis in
            _ = try relay.client()
            #expect(!lines(relay, "a client has said Hello").isEmpty)
            relay.process.signal(SIGUSR1)
            try eventually("they are off") { lines(relay, "to=info").count == 1 }
            relay.process.signal(SIGUSR1)
            try eventually("they are on") { lines(relay, "to=debug").count == 1 }
        }
    }
}
