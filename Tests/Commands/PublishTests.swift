internal import SwiftProtobuf
internal import TestSupport
import Testing

/// Answers one publish as a relay would.
private func answering(
    _ reply: @escaping @Sendable (inout HubrelayReply) -> Void
) throws -> FakeServer {
    try FakeServer { peer in
        try peer.welcome()
        let frame = try peer.next()
        guard case .publish(let publish) = frame.frame else { throw TestFailure("no Publish but \(frame)") }
        var answer = HubrelayReply()
        answer.id = publish.id
        reply(&answer)
        try peer.send(.with { $0.reply = answer })
        try peer.expectEnd()
    }
}

@Suite struct PublishTests {
    @Test func aPublishIsHelloThenOneFrameWithAnID() throws {
        let server = try FakeServer { peer in
            let hello = try peer.welcome()
            #expect(hello.version == 1 && hello.clientName == "hubrelay publish")
            let frame = try peer.next()
            #expect(frame == .publish("room.7", "hello", id: frame.publish.id) && frame.publish.id != 0)
            try peer.reply(frame.publish.id, .ok)
        }
        #expect(try Program.run("publish", "room.7", "hello", "--socket", server.path).exit == .code(0))
        try server.finish()
    }

    @Test func okIsPrintedWithTheReceivers() throws {
        let server = try answering { ($0.outcome, $0.receivers) = (.ok, 2) }
        let run = try Program.run("publish", "c", "p", environment: ["HUBRELAY_SOCKET": server.path])
        #expect(run == Run(exit: .code(0), output: "OK receivers=2\n", errors: ""))
    }

    @Test func okAsJSON() throws {
        let server = try answering { ($0.outcome, $0.receivers) = (.ok, 2) }
        let run = try Program.run("publish", "c", "p", "--json", "--socket", server.path)
        let json = #"{"type":"reply","outcome":"ok","receivers":2,"detail":""}"#
        #expect(run == Run(exit: .code(0), output: json + "\n", errors: ""))
    }

    @Test(arguments: [
        (HubrelayOutcome.notConnected, "NOT_CONNECTED"), (.interrupted, "INTERRUPTED"), (.refused, "REFUSED"),
        (.invalid, "INVALID"), (.limit, "LIMIT"), (.UNRECOGNIZED(77), "OUTCOME_77"),
        (.unspecified, "OUTCOME_0"),
    ])
    func everyOtherOutcomeIsPrintedAndFails(outcome: HubrelayOutcome, label: String) throws {
        let server = try answering { ($0.outcome, $0.detail) = (outcome, "why\nso") }
        let run = try Program.run("publish", "c", "p", "--socket", server.path)
        #expect(run == Run(exit: .code(1), output: label + #" "why\nso""# + "\n", errors: ""))
    }

    @Test func aReplyComesAfterWhateverElseTheRelayHasToSay() throws {
        let server = try FakeServer { peer in
            try peer.welcome()
            let id = try peer.next().publish.id
            try peer.send(
                .with { $0.status = .with { $0.state = .down } },
                .with { $0.loss = .with { $0.messages = 1 } },
                .with { $0.reply = .with { ($0.id, $0.outcome) = (id + 1, .refused) } })
            // A frame of a kind that this version does not know: field 15.
            try peer.send(bytes: framed([0x7a, 0x00]))
            try peer.reply(id, .ok)
        }
        #expect(try Program.run("publish", "c", "p", "--socket", server.path).output == "OK receivers=0\n")
    }

    @Test(arguments: [
        #"printf 'a\0b\377' | "$HUBRELAY" publish c -"#, #"printf 'a\0b\377' | "$HUBRELAY" publish c"#,
    ])
    func aPayloadOfAnyBytesComesFromStdin(script: String) throws {
        let server = try FakeServer { peer in
            try peer.welcome()
            let publish = try peer.next().publish
            #expect(Array(publish.payload) == [0x61, 0, 0x62, 0xff])
            try peer.reply(publish.id, .ok)
        }
        #expect(try Program.shell(script, environment: ["HUBRELAY_SOCKET": server.path]).exit == .code(0))
        try server.finish()
    }

    @Test func payloadsThatLookLikeOptionsComeAfterTwoDashes() throws {
        let server = try FakeServer { peer in
            try peer.welcome()
            let publish = try peer.next().publish
            #expect(publish.channel == "--c" && Array(publish.payload) == Array("--prefix=".utf8))
            try peer.reply(publish.id, .ok)
        }
        let run = try Program.run("publish", "--socket", server.path, "--", "--c", "--prefix=")
        #expect(run.exit == .code(0))
        try server.finish()
    }

    @Test func theEmptyPayloadIsAPayload() throws {
        let server = try FakeServer { peer in
            try peer.welcome()
            let publish = try peer.next().publish
            #expect(publish.payload.isEmpty)
            try peer.reply(publish.id, .ok)
        }
        #expect(try Program.run("publish", "c", "", "--socket", server.path).exit == .code(0))
        try server.finish()
    }

    @Test(arguments: [4096, 4097])
    func thePayloadIsBoundedByWhatTheRelayTakes(count: Int) throws {
        let server = try FakeServer { peer in
            try peer.welcome { $0.maxPayloadBytes = 4096 }
            guard count <= 4096 else { return try peer.expectEnd() }
            let publish = try peer.next().publish
            #expect(publish.payload.count == count)
            try peer.reply(publish.id, .ok)
        }
        // More than a pipe can hold: the command must not wait for the rest.
        let script = #"head -c \#(count == 4096 ? 4096 : 1_000_000) /dev/zero | "$HUBRELAY" publish c -"#
        let run = try Program.shell(script, environment: ["HUBRELAY_SOCKET": server.path])
        try server.finish()
        guard count > 4096 else { return #expect(run.exit == .code(0)) }
        #expect(run.exit == .code(1) && run.output.isEmpty)
        #expect(
            run.errors.hasPrefix("hubrelay: the payload is longer than the 4096 bytes that this relay takes"))
    }

    @Test(arguments: [
        ("publish c <&-", "hubrelay: cannot read stdin: Bad file descriptor (errno 9)\n", false),
        ("publish c p >&-", "hubrelay: cannot write to stdout: Bad file descriptor (errno 9)\n", true),
        ("publish c p <&- >&-", "hubrelay: cannot write to stdout: Bad file descriptor (errno 9)\n", true),
        (
            "publish c p >/dev/full",
            "hubrelay: cannot write to stdout: No space left on device (errno 28)\n", true
        ),
    ])
    func streamsThatAreClosedOrFullAreAnErrorAndNeverTheSocket(
        command: String, errors: String, isSent: Bool
    ) throws {
        let server = try FakeServer { peer in
            try peer.welcome()
            if isSent { try peer.reply(try peer.next().publish.id, .ok) }
            // The command must not have sent a byte before it closes.
            try peer.expectEnd()
        }
        let run = try Program.shell(#""$HUBRELAY" "# + command, environment: ["HUBRELAY_SOCKET": server.path])
        #expect(run.exit == .code(1) && run.errors == errors)
        try server.finish()
    }
}
