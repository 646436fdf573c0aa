internal import TestSupport
import Testing

/// The commands with a real relay, which has a Redis of the test's own.
@Suite struct RealRelayTests {
    @Test func whatIsPublishedIsWhatASubscriberPrints() throws {
        try withRelay { relay, _ in
            let directory = try TemporaryDirectory()
            let subscriber = try Program.start(
                ["subscribe", "room.7", "--count", "2", "--socket", relay.socketPath], in: directory)
            try eventually("it is subscribed") { subscriber.output.contains("subscribed room.7\n") }
            let ok = Run(exit: .code(0), output: "OK receivers=1\n", errors: "")
            #expect(try Program.run("publish", "room.7", "hello", "--socket", relay.socketPath) == ok)
            let script = #"printf '\377' | "$HUBRELAY" publish room.7 -"#
            #expect(try Program.shell(script, environment: ["HUBRELAY_SOCKET": relay.socketPath]) == ok)
            #expect(try subscriber.waitForExit() == .code(0))
            #expect(
                subscriber.output.hasSuffix(
                    "subscribed room.7\nmessage room.7 \"hello\"\nmessage room.7 0xff\n"))
        }
    }

    @Test func patternsMatchWithinThePrefix() throws {
        try withRelay { relay, redis in
            let directory = try TemporaryDirectory()
            let subscriber = try Program.start(
                ["subscribe", "--pattern", "room.*", "--count", "1", "--json", "--socket", relay.socketPath],
                in: directory)
            try eventually("it is subscribed") { subscriber.output.contains(#""names":["room.*"]"#) }
            try redis.client().run("PUBLISH", relay.prefix + "room.8", "x")
            #expect(try subscriber.waitForExit() == .code(0))
            let line = #"{"type":"message","channel":"room.8","pattern":"room.*","payload":"x"}"#
            #expect(subscriber.output.hasSuffix(line + "\n"))
        }
    }

    @Test func theLargestPayloadGoesThroughAndALargerOneIsRefused() throws {
        try withRelay(options: ["--max-payload", "100KiB"]) { relay, _ in
            let environment = ["HUBRELAY_SOCKET": relay.socketPath]
            let largest = #"head -c 102400 /dev/zero | "$HUBRELAY" publish c -"#
            #expect(try Program.shell(largest, environment: environment).output == "OK receivers=0\n")
            let larger = try Program.shell(
                #"head -c 102401 /dev/zero | "$HUBRELAY" publish c -"#, environment: environment)
            #expect(larger.exit == .code(1) && larger.errors.contains("longer than the 102400 bytes"))
        }
    }

    @Test func namesThatTheRelayDoesNotTakeAreInvalid() throws {
        try withRelay { relay, _ in
            let environment = ["HUBRELAY_SOCKET": relay.socketPath]
            let publish = try Program.run("publish", "__hubrelay:x", "p", environment: environment)
            #expect(publish.exit == .code(1) && publish.output.hasPrefix("INVALID "))
            let long = String(repeating: "x", count: 513)
            let subscribe = try Program.run("subscribe", long, environment: environment)
            #expect(subscribe.exit == .code(1) && subscribe.output.contains("\nINVALID "))
        }
    }

    @Test func anOutageIsSeenByAllOfThem() throws {
        try withRelay { relay, redis in
            let socket = ["HUBRELAY_SOCKET": relay.socketPath]
            let http = ["HUBRELAY_HTTP": "unix:\(relay.httpPath)"]
            let up = try Program.run("health", environment: http)
            #expect(up.exit == .code(0) && up.output.contains("status up\n"))
            let directory = try TemporaryDirectory()
            let subscriber = try Program.start(["subscribe", "c"], environment: socket, in: directory)
            try eventually("it is subscribed") { subscriber.output.contains("subscribed c\n") }

            redis.stop()
            try eventually("DOWN is told") { subscriber.output.contains("\nstatus DOWN ") }
            let publish = try Program.run("publish", "c", "x", environment: socket)
            #expect(publish.exit == .code(1) && publish.output.hasPrefix("NOT_CONNECTED"))
            let down = try Program.run("health", environment: http)
            #expect(down.exit == .code(1) && down.output.contains("status down\n"))
            #expect(try Program.run("health", "--live", environment: http).exit == .code(0))
            let json = try Program.run("health", "--json", environment: http)
            #expect(json.exit == .code(1) && json.output.hasPrefix("{") && json.output.contains(#""down""#))

            try redis.start()
            try eventually("UP is told") { subscriber.output.hasSuffixLine(beginning: "status UP ") }
            #expect(try Program.run("publish", "c", "x", environment: socket).output == "OK receivers=1\n")
            try eventually("it is subscribed again") { subscriber.output.hasSuffix("message c \"x\"\n") }
        }
    }

    @Test func aRelayThatStopsIsLeftAtOnce() throws {
        let directory = try TemporaryDirectory()
        try withRelay(options: ["--stop-timeout", "10m"]) { relay, _ in
            let subscriber = try Program.start(
                ["subscribe", "c", "--socket", relay.socketPath], in: directory)
            try eventually("it is subscribed") { subscriber.output.contains("subscribed c\n") }
            relay.process.signal(15)
            #expect(try subscriber.waitForExit() == .code(1))
            #expect(subscriber.output.contains("\nstatus STOPPING "))
            #expect(subscriber.errors.hasSuffix("the relay is shutting down\n"))
            try relay.expectExit()
        }
    }
}

extension String {
    /// Whether the last line begins like this.
    fileprivate func hasSuffixLine(beginning: String) -> Bool {
        split(separator: "\n").last?.hasPrefix(beginning) == true
    }
}
