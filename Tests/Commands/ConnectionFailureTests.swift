internal import SwiftProtobuf
internal import TestSupport
import Testing

/// What publish and subscribe both report if there is no relay, or a relay that they cannot work with.
@Suite struct ConnectionFailureTests {
    private func run(against server: FakeServer, timeout: String = "20s") throws -> Run {
        try Program.run("publish", "c", "p", "--socket", server.path, "--timeout", timeout)
    }

    @Test(arguments: ["publish", "subscribe"])
    func nobodyServing(command: String) throws {
        let directory = try TemporaryDirectory()
        let path = directory.path(of: "none.sock")
        let run = try Program.shell(#""$HUBRELAY" \#(command) c --socket \#(path) </dev/null"#)
        #expect(run.exit == .code(1) && run.output.isEmpty)
        #expect(run.errors.hasPrefix("hubrelay: cannot connect to \(path): No such file or directory"))
        #expect(run.errors.contains("; is hubrelay serving there? Use --socket or HUBRELAY_SOCKET for another"))
        #expect(run.errors.filter { $0 == "\n" }.count == 1)
    }

    @Test func anAbstractSocketIsRefusedWithTheReason() throws {
        for run in [
            try Program.run("publish", "c", "p", "--socket", "@chat"),
            try Program.run("subscribe", "c", "--socket", "@chat"),
            try Program.run("health", "--http", "unix:@chat"),
        ] {
            #expect(run.exit == .code(64) && run.errors.contains("abstract socket, which is not supported"))
        }
    }

    @Test func aSocketThatNobodyListensOnAnymore() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path(of: "stale.sock")
        _ = try UnixListener(path)
        let run = try Program.run("publish", "c", "p", "--socket", path)
        #expect(run.exit == .code(1) && run.errors.contains("cannot connect to \(path): Connection refused"))
    }

    @Test func aServerThatSaysNothingIsNotWaitedForWithoutEnd() throws {
        let server = try FakeServer { peer in
            _ = try peer.next()
            try peer.expectEnd()
        }
        let run = try run(against: server, timeout: "300ms")
        let line = "hubrelay: no answer from \(server.path) within 300ms: is it a hubrelay?\n"
        #expect(run == Run(exit: .code(1), output: "", errors: line))
        try server.finish()
    }

    @Test func aServerThatNeverAcceptsIsNotWaitedForWithoutEnd() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path(of: "busy.sock")
        let listener = try UnixListener(path)
        let run = try Program.run("publish", "c", "p", "--socket", path, "--timeout", "300ms")
        #expect(run.exit == .code(1) && run.errors.contains("within 300ms"))
        withExtendedLifetime(listener) {}
    }

    /// Takes seconds: it waits out the timeout.
    @Test func aPublishWithoutAnAnswerMayHaveBeenDelivered() throws {
        let server = try FakeServer { peer in
            try peer.welcome()
            _ = try peer.next()
            try peer.expectEnd()
        }
        // The timeout applies to the Welcome, which comes, and again to the Reply, which does not.
        let run = try run(against: server, timeout: "2s")
        #expect(run.exit == .code(1))
        #expect(run.errors.hasSuffix("within 2s: it is unknown whether the message was delivered\n"))
    }

    @Test func theRelayMayTurnUsAway() throws {
        let server = try FakeServer { peer in
            _ = try peer.next()
            try peer.send(
                .with { $0.error = .with { ($0.code, $0.detail) = (.notAllowed, "uid 7\nmay not") } })
        }
        let line = #"hubrelay: the relay has ended the connection (not_allowed): uid 7\nmay not"# + "\n"
        #expect(try run(against: server) == Run(exit: .code(1), output: "", errors: line))
    }

    @Test func whyItWasTurnedAwayIsSaidAlsoWhenSendingFailsFirst() throws {
        let server = try FakeServer { peer in
            try peer.welcome { ($0.maxPayloadBytes, $0.maxFrameBytes) = (4 << 20, 4 << 20) }
            try peer.send(.with { $0.error = .with { ($0.code, $0.detail) = (.tooMany, "unread output") } })
        }
        // More than the kernel takes, so that the command is still sending when the relay closes.
        let run = try Program.shell(
            #"head -c 4000000 /dev/zero | "$HUBRELAY" publish c -"#,
            environment: ["HUBRELAY_SOCKET": server.path])
        let line = "hubrelay: the relay has ended the connection (too_many): unread output\n"
        #expect(run == Run(exit: .code(1), output: "", errors: line))
    }

    @Test func aConnectionThatBreaksIsSaidToBeLost() throws {
        let server = try FakeServer { peer in
            try peer.welcome { ($0.maxPayloadBytes, $0.maxFrameBytes) = (4 << 20, 4 << 20) }
        }
        let run = try Program.shell(
            #"head -c 4000000 /dev/zero | "$HUBRELAY" publish c -"#,
            environment: ["HUBRELAY_SOCKET": server.path])
        #expect(run.errors.hasPrefix("hubrelay: the connection to \(server.path) is lost: Broken pipe"))
    }

    @Test func sizesThatNoRelayAnnouncesAreNoCrash() throws {
        let server = try FakeServer { peer in
            _ = try peer.next()
            // A Welcome with version 1, and with 2^64-1 for max_frame_bytes and max_payload_bytes.
            let most: [UInt8] = Array(repeating: 0xff, count: 9) + [0x01]
            let welcome = [0x08, 0x01, 0x20] + most + [0x30] + most
            try peer.send(bytes: framed([0x0a, UInt8(welcome.count)] + welcome))
            try peer.reply(try peer.next().publish.id, .ok)
        }
        #expect(try Program.run("publish", "c", "p", "--socket", server.path).exit == .code(0))
    }

    @Test func theRelayMayGoAtAnyMoment() throws {
        let beforeWelcome = try FakeServer { peer in _ = try peer.next() }
        let line = "hubrelay: the relay at \(beforeWelcome.path) has closed the connection\n"
        #expect(try run(against: beforeWelcome) == Run(exit: .code(1), output: "", errors: line))
        let beforeReply = try FakeServer { peer in
            try peer.welcome()
            _ = try peer.next()
        }
        #expect(try run(against: beforeReply).errors.hasSuffix("has closed the connection\n"))
    }

    @Test(arguments: [
        // A length of 0, a length beyond every limit, and a frame that is not a protobuf message.
        [0, 0, 0, 0], [0xff, 0xff, 0xff, 0xff], [0, 0, 0, 1, 0xff],
        Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8),
    ])
    func whatSpeaksSomethingElseIsNoRelay(bytes: [UInt8]) throws {
        let server = try FakeServer { peer in
            _ = try peer.next()
            try peer.send(bytes: bytes)
            try peer.expectEnd()
        }
        let line = "hubrelay: the server at \(server.path) does not speak hubrelay's protocol\n"
        #expect(try run(against: server) == Run(exit: .code(1), output: "", errors: line))
    }

    @Test func anotherVersionOrAnotherFrameFirstIsNotGoneOnWith() throws {
        let version = try FakeServer { peer in
            try peer.welcome { $0.version = 2 }
            try peer.expectEnd()
        }
        #expect(try run(against: version).errors.contains("doesn't speak version 1 of hubrelay's protocol"))
        let status = try FakeServer { peer in
            _ = try peer.next()
            try peer.send(.with { $0.status = .with { $0.state = .up } })
            try peer.expectEnd()
        }
        #expect(try run(against: status).exit == .code(1))
    }
}
