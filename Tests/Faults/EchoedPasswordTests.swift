import TestSupport
import Testing

/// A server, or a proxy in front of it, quotes the password in its errors, in one form after the other. The password
/// must not show in the log, /health, /metrics or a frame.
@Suite struct EchoedPasswordTests {
    private static let password = "Tr0ub4dor&3-xyzzy"

    enum Form: String, CaseIterable {
        case exact, upper, lower, quoted, escaped, percentEncoded, cutOff, beyondTheLimit, withControlCharacters

        var text: String {
            let bytes = Array(password.utf8)
            func hex(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }
            return switch self {
            case .exact: password
            case .upper: password.uppercased()
            case .lower: password.lowercased()
            case .quoted: "\"\(password)\""
            case .escaped: bytes.map { "\\x" + hex($0) }.joined()
            case .percentEncoded: bytes.map { "%" + hex($0).uppercased() }.joined()
            case .cutOff: "'\(password.prefix(8))' "
            // 512 bytes of the text are kept, with a part of the password.
            case .beyondTheLimit: String(repeating: "x ", count: 245) + password + password
            case .withControlCharacters: password.map { "\($0)" }.joined(separator: "\u{1}")
            }
        }
    }

    /// Whether a part of the password can be read in the text.
    private func shows(_ text: String, _ form: Form) -> Bool {
        let letters = Self.password.lowercased().filter { $0.isLetter || $0.isNumber }
        let plain = text.lowercased().filter { $0.isLetter || $0.isNumber }
        let isInLetters = (0...letters.count - 5).contains { plain.contains(letters.dropFirst($0).prefix(5)) }
        return isInLetters || text.contains(form.text.prefix(40)) && form != .beyondTheLimit
    }

    /// All places where people see what a server said.
    private func everything(_ relay: RelayProcess) throws -> String {
        try [relay.process.errors, relay.http("/health").body, relay.http("/metrics").body].joined(separator: "\n")
    }

    private func relay(_ fake: FakeRedisServer) throws -> RelayProcess {
        let directory = try TemporaryDirectory()
        let file = directory.path(of: "password")
        try writeFile(file, Self.password + "\n")
        return try RelayProcess(
            redis: fake.url, directory: directory, options: ["--redis-password-file", file, "--log-level", "trace"])
    }

    @Test(arguments: Form.allCases) func inAnswerToAUTH(form: Form) throws {
        for code in ["ERR", "WRONGPASS", "XYZZY"] {
            let error = "-\(code) \(form.text)\r\n"
            let fake = try FakeRedisServer { $0.verb == "AUTH" ? .text(error) : .usual }
            let relay = try relay(fake)
            let client = try relay.clientInAnyState()
            try eventually("the cause is AUTH") { try relay.clientInAnyState().welcome.status.cause == .auth }
            let reason = try relay.clientInAnyState().welcome.status.reason
            let detail = try client.publish("c", "x").detail
            for text in [reason, detail, try everything(relay)] { #expect(!shows(text, form), "\(text)") }
            try relay.stop()
        }
    }

    /// Errors about what the relay works without, and errors that are reported to one app only.
    @Test(arguments: Form.allCases) func inAnswerToEverythingElse(form: Form) throws {
        let fake = try FakeRedisServer { command in
            switch command.verb {
            case "CLIENT": .text("-ERR unknown command, \(form.text)\r\n")
            case "ROLE": .text("-NOPERM \(form.text)\r\n")
            case _ where command.words.contains("t:refused"): .text("-NOPERM no, \(form.text)\r\n")
            default: .usual
            }
        }
        let relay = try relay(fake)
        let client = try relay.client()
        let reply = try client.publish("refused", "x")
        #expect(reply.outcome == .refused)
        try client.send(.subscribe(["refused"], id: 77))
        let subscribed = try client.expectReply(id: 77)
        #expect(subscribed.outcome == .refused)
        try client.send(.publish("refused", "x", id: 0))
        let loss = try client.expectLoss()
        for text in [reply.detail, subscribed.detail, loss.reason, try everything(relay)] {
            #expect(!shows(text, form), "\(text)")
        }
        #expect(try relay.http("/health").body.contains("left out, since it may hold a password"))
        try relay.stop()
    }

    /// The link has been up for a long time when the server sends the error.
    @Test(arguments: Form.allCases) func afterTheLinkWasEstablished(form: Form) throws {
        for code in ["NOAUTH", "NOPERM no 'publish' command,"] {
            let fake = try FakeRedisServer()
            let relay = try relay(fake)
            let client = try relay.client()
            let error = "-\(code) \(form.text)\r\n"
            fake.follow { command in
                let isOwn = command.verb == "PING" || command.words.contains { $0.hasPrefix("t:__hubrelay") }
                return isOwn ? .text(error) : .usual
            }
            let frames = try client.collect("a Status that is not UP") {
                if case .status(let status) = $0.frame { status.state != .up } else { false }
            }
            for frame in frames { #expect(!shows("\(frame)", form)) }
            let detail = try client.publish("c", "x").detail
            for text in [detail, client.status.reason, try everything(relay)] { #expect(!shows(text, form), "\(text)") }
            try relay.stop()
        }
    }
}
