internal import FoundationEssentials
internal import Glibc
internal import SwiftProtobuf
internal import TestSupport
import Testing

/// A relay that confirms every Subscribe and then does what the test wants.
private func subscribed(
    _ outcome: HubrelayOutcome = .ok, _ rest: @escaping @Sendable (FakePeer) throws -> Void
) throws -> FakeServer {
    try FakeServer { peer in
        try peer.welcome()
        let id = try peer.next().subscribe.id
        try peer.reply(id, outcome)
        try rest(peer)
    }
}

private func message(_ channel: String, _ payload: [UInt8], pattern: String = "") -> HubrelayRelayFrame {
    .with { frame in
        frame.message = .with {
            $0.channel = channel
            $0.payload = .init(payload)
            $0.pattern = pattern
        }
    }
}

private let upLine = "status UP publishing receiving outages=0 gaps=0\n"

@Suite struct SubscribeTests {
    @Test(arguments: [false, true])
    func namesAreAskedForAsChannelsOrAsPatterns(patterns: Bool) throws {
        let server = try FakeServer { peer in
            let hello = try peer.welcome()
            #expect(hello.clientName == "hubrelay subscribe")
            let frame = try peer.next()
            let names = ["room.7", "r*"]
            #expect(
                frame
                    == .subscribe(
                        patterns ? [] : names, patterns: patterns ? names : [], id: frame.subscribe.id))
            try peer.reply(frame.subscribe.id, .ok)
            try peer.send(message("room.7", Array("x".utf8), pattern: patterns ? "r*" : ""))
        }
        let flags = patterns ? "--pattern" : ""
        let run = try Program.shell(
            #""$HUBRELAY" subscribe \#(flags) room.7 'r*' --count 1 --socket \#(server.path)"#)
        try server.finish()
        let pattern = patterns ? " pattern=r*" : ""
        #expect(run.exit == .code(0))
        #expect(run.output == upLine + "subscribed room.7 r*\nmessage room.7 \"x\"\(pattern)\n")
    }

    @Test func messagesArePrintedAsTheyAreAndCannotForgeLines() throws {
        let server = try subscribed { peer in
            try peer.send(
                message("room.7", Array("hello".utf8)), message("a b\n", Array("1\n\"2\"\\\u{1b}[2J é".utf8)),
                message("c", []), message("c", [0xff, 0x00, 0xa1]))
            try peer.expectEnd()
        }
        let run = try Program.run("subscribe", "x", "--count", "4", "--socket", server.path)
        #expect(run.exit == .code(0))
        let lines = [
            #"message room.7 "hello""#, #"message "a b\n" "1\n\"2\"\\\u{1b}[2J é""#, #"message c """#,
            #"message c 0xff00a1"#,
        ]
        #expect(run.output == upLine + "subscribed x\n" + lines.map { $0 + "\n" }.joined())
    }

    @Test func everythingAsJSON() throws {
        let server = try subscribed(.pending) { peer in
            try peer.send(
                message("c", Array("1\n\"2\"".utf8)), message("c", [0xff, 0x00, 0xa1], pattern: "?"),
                .with { $0.loss = .with { ($0.messages, $0.cause, $0.reason) = (3, .slowReader, "slow") } },
                .with { $0.revoked = .with { ($0.channels, $0.detail) = (["x"], "NOPERM") } },
                .with { $0.status = .with { ($0.state, $0.cause, $0.gaps) = (.down, .unreachable, 4) } },
                message("c", []))
            try peer.expectEnd()
        }
        let run = try Program.run("subscribe", "x", "--count", "3", "--json", "--socket", server.path)
        #expect(run.exit == .code(0))
        let lines = [
            #"{"type":"status","state":"up","publishing":true,"receiving":true,"since_unix_ms":0,"outages":0,"#
                + #""gaps":0,"down_ms":0,"cause":"unspecified","reason":""}"#,
            #"{"type":"reply","outcome":"pending","names":["x"],"refused":{"channels":[],"patterns":[]},"#
                + #""detail":""}"#,
            #"{"type":"message","channel":"c","payload":"1\n\"2\""}"#,
            #"{"type":"message","channel":"c","pattern":"?","payload_base64":"/wCh"}"#,
            #"{"type":"loss","messages":3,"publishes":0,"publishes_unknown":0,"cause":"slow_reader","reason":"slow"}"#,
            #"{"type":"revoked","channels":["x"],"patterns":[],"detail":"NOPERM"}"#,
            #"{"type":"status","state":"down","publishing":false,"receiving":false,"since_unix_ms":0,"#
                + #""outages":0,"gaps":4,"down_ms":0,"cause":"unreachable","reason":""}"#,
            #"{"type":"message","channel":"c","payload":""}"#,
        ]
        #expect(run.output.split(separator: "\n").map(String.init) == lines)
    }

    @Test func statusesLossesAndRevocationsAreLinesToo() throws {
        let server = try subscribed(.pending) { peer in
            try peer.send(
                .with { frame in
                    frame.status = .with {
                        ($0.state, $0.reason, $0.outages, $0.cause) = (
                            .down, "Redis is gone", 1, .unreachable
                        )
                    }
                },
                .with { frame in
                    frame.status = .with {
                        ($0.state, $0.outages, $0.downMs, $0.gaps) = (.degraded, 1, 250, 2)
                        $0.publishing = true
                    }
                },
                .with { $0.loss = .with { ($0.messages, $0.cause, $0.reason) = (3, .slowReader, "slow") } },
                .with { frame in
                    frame.loss = .with {
                        ($0.publishes, $0.publishesUnknown, $0.cause) = (1, 2, .UNRECOGNIZED(99))
                    }
                },
                .with {
                    $0.revoked = .with {
                        ($0.channels, $0.patterns, $0.detail) = (["x"], ["y z"], "NOPERM a")
                    }
                },
                message("c", []))
            try peer.expectEnd()
        }
        let run = try Program.run("subscribe", "x", "--count", "1", "--socket", server.path)
        let lines = [
            "pending x", #"status DOWN outages=1 gaps=0 cause=unreachable "Redis is gone""#,
            "status DEGRADED publishing outages=1 gaps=2 down_ms=250",
            #"loss messages=3 cause=slow_reader "slow""#,
            "loss publishes=1 publishes_unknown=2 cause=cause_99", #"revoked x "y z" detail="NOPERM a""#,
            #"message c """#,
        ]
        #expect(run.output == upLine + lines.map { $0 + "\n" }.joined())
    }

    @Test(arguments: [(HubrelayOutcome.refused, "REFUSED"), (.invalid, "INVALID"), (.limit, "LIMIT")])
    func aRequestWithoutEffectEndsTheCommand(outcome: HubrelayOutcome, label: String) throws {
        let server = try FakeServer { peer in
            try peer.welcome()
            let id = try peer.next().subscribe.id
            try peer.send(
                .with { frame in
                    frame.reply = .with {
                        ($0.id, $0.outcome, $0.detail) = (id, outcome, "no")
                        ($0.channels, $0.patterns) = (["x"], ["y*"])
                    }
                })
            try peer.expectEnd()
        }
        let run = try Program.run("subscribe", "x", "--socket", server.path)
        #expect(run == Run(exit: .code(1), output: upLine + label + #" "no" channel=x pattern=y*"# + "\n", errors: ""))
    }

    @Test func namesThatFitNoFrameGoInSeveral() throws {
        let names = (0..<400).map { "channel-\($0)-" + String(repeating: "x", count: 100) }
        let server = try FakeServer { peer in
            try peer.welcome { $0.maxFrameBytes = 8192 }
            var asked: [String] = []
            while asked.count < names.count {
                let frame = try peer.next()
                #expect(frame.bytes.count <= 8192 + 4)
                asked += frame.subscribe.channels
                try peer.reply(frame.subscribe.id, .ok)
            }
            #expect(asked == names)
            try peer.send(message("c", []))
        }
        let directory = try TemporaryDirectory()
        let arguments = ["subscribe", "--count", "1", "--socket", server.path] + names
        let process = try Program.start(arguments, in: directory)
        #expect(try process.waitForExit() == .code(0))
        try server.finish()
        #expect(process.output.split(separator: "\n").filter { $0.hasPrefix("subscribed ") }.count > 5)
    }

    /// Takes seconds: it waits out the timeout.
    @Test func whatIsNotConfirmedInTimeIsAnError() throws {
        let server = try FakeServer { peer in
            try peer.welcome()
            _ = try peer.next()
            try peer.send(message("c", []))
            try peer.expectEnd()
        }
        let run = try Program.run("subscribe", "x", "--timeout", "2s", "--socket", server.path)
        #expect(run.exit == .code(1))
        #expect(run.errors.hasSuffix("within 2s: the subscription is not confirmed\n"))
    }

    /// Takes seconds: it waits longer than the timeout.
    @Test func onceConfirmedItWaitsLongerThanAnyTimeout() throws {
        let server = try subscribed { peer in
            try peer.stayQuiet(seconds: 2.2)
            try peer.send(message("c", []))
        }
        let run = try Program.run(
            "subscribe", "x", "--count", "1", "--timeout", "2s", "--socket", server.path)
        let output = upLine + "subscribed x\nmessage c \"\"\n"
        #expect(run == Run(exit: .code(0), output: output, errors: ""))
    }

    @Test func theEndOfTheRelayIsAnError() throws {
        let server = try subscribed { _ in }
        let run = try Program.run("subscribe", "x", "--socket", server.path)
        let line = "hubrelay: the relay at \(server.path) has closed the connection\n"
        #expect(run == Run(exit: .code(1), output: upLine + "subscribed x\n", errors: line))
    }

    @Test(arguments: [SIGINT, SIGTERM])
    func anInterruptIsASuccessfulEndAndEveryLineIsThere(signal: Int32) throws {
        let server = try subscribed { peer in
            try peer.send(message("c", Array("last".utf8)))
            try peer.expectEnd()
        }
        let directory = try TemporaryDirectory()
        let process = try Program.start(["subscribe", "x", "--socket", server.path], in: directory)
        try eventually("the message is printed") { process.output.hasSuffix("message c \"last\"\n") }
        process.signal(signal)
        #expect(try process.waitForExit() == .code(0))
        #expect(process.errors.isEmpty)
        try server.finish()
    }

    @Test func aReaderThatHasReadEnoughEndsItEvenIfNothingMoreComes() throws {
        let server = try subscribed { try $0.expectEnd() }
        let run = try Program.shell(
            #"{ "$HUBRELAY" subscribe x; echo "code $?" >&2; } | head -n 2"#,
            environment: ["HUBRELAY_SOCKET": server.path])
        #expect(run.output == upLine + "subscribed x\n" && run.errors == "code 0\n")
        try server.finish()
    }

    @Test func aReaderThatHasReadEnoughEndsItQuietly() throws {
        let server = try subscribed { peer in
            // More than a pipe can hold, so that the command certainly writes to the closed pipe.
            while (try? peer.send(message("c", Array(repeating: 0x61, count: 1000)))) != nil {}
        }
        let run = try Program.shell(
            #"{ "$HUBRELAY" subscribe x; echo "code $?" >&2; } | head -n 1"#,
            environment: ["HUBRELAY_SOCKET": server.path])
        try server.finish()
        #expect(run.output == upLine && run.errors == "code 0\n")
    }
}
