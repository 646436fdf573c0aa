import TestSupport
import Testing

/// Links to Redis over TLS, and everything that can be wrong with them.
@Suite struct SecuredLinkTests {
    @Test(arguments: ["TLSv1.2", "TLSv1.3"]) func messagesPassBothWays(version: String) throws {
        let ca = try TestCA()
        let redis = try RedisServer(tls: try ca.server(versions: version))
        let relay = try RelayProcess(redis: redis.url, options: ["--redis-ca", ca.caFile])
        let client = try relay.client()
        #expect(try client.subscribe("c") == .ok)
        let large = String(repeating: "0123456789abcdef", count: 1 << 16)
        try client.send(raw: (1...300).flatMap { HubrelayClientFrame.publish("c", "\($0)", id: 0).bytes })
        try client.send(.publish("c", large, id: 7))
        var texts: [String] = []
        _ = try client.collect("all messages and a Reply") { frame in
            if case .message(let message) = frame.frame { texts.append(message.text) }
            return texts.count == 301
        }
        #expect(texts == (1...300).map { "\($0)" } + [large])
        #expect(try relay.http("/health").body.contains("\"tls\":\"\(version)\""))
        try relay.stop()
    }

    struct Wrong: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let words: String
        /// The server, the flags of the relay, and the CA whose files the flags name.
        let scene: @Sendable (TestCA) throws -> (ServerTLS, [String], TestCA)
    }

    private static func trusting(_ ca: TestCA) -> [String] { ["--redis-ca", ca.caFile] }

    private static let wrongs: [Wrong] = [
        Wrong(testDescription: "expired", words: "expired") {
            let old = try $0.certificate(from: "20200101000000Z", to: "20210101000000Z")
            return (ServerTLS(certificate: old, caFile: $0.caFile), trusting($0), $0)
        },
        Wrong(testDescription: "not valid yet", words: "not valid") {
            let future = try $0.certificate(from: "20900101000000Z", to: "20910101000000Z")
            return (ServerTLS(certificate: future, caFile: $0.caFile), trusting($0), $0)
        },
        Wrong(testDescription: "another name", words: "elsewhere.example") {
            let other = try $0.certificate(names: ["DNS:elsewhere.example"])
            return (ServerTLS(certificate: other, caFile: $0.caFile), trusting($0), $0)
        },
        Wrong(testDescription: "unknown CA", words: "--redis-ca") {
            let another = try TestCA("another")
            return (try $0.server(), trusting(another), another)
        },
        Wrong(testDescription: "not in the system's store", words: "--redis-ca") {
            (try $0.server(), [], $0)
        },
        Wrong(testDescription: "self-signed", words: "self-signed") {
            let alone = try TestCertificate(selfSigned: "localhost")
            return (ServerTLS(certificate: alone, caFile: $0.caFile), trusting($0), $0)
        },
        Wrong(testDescription: "no certificate of ours", words: "--redis-cert") {
            (try $0.server(clients: .required), trusting($0), $0)
        },
        Wrong(testDescription: "no certificate of ours, TLS 1.2", words: "--redis-cert") {
            (try $0.server(clients: .required, versions: "TLSv1.2"), trusting($0), $0)
        },
        Wrong(testDescription: "a certificate of ours that is refused", words: "certificate") {
            let nobodys = try TestCA("nobody's")
            let ours = try nobodys.certificate("relay")
            let files = ["--redis-cert", ours.certificateFile, "--redis-key", ours.keyFile]
            return (try $0.server(clients: .required), trusting($0) + files, nobodys)
        },
    ]

    @Test(arguments: wrongs) func whatIsWrongIsTold(wrong: Wrong) throws {
        let ca = try TestCA()
        let (server, options, other) = try wrong.scene(ca)
        defer { withExtendedLifetime((ca, other)) {} }
        let redis = try RedisServer(tls: server)
        let relay = try RelayProcess(redis: redis.url, options: options)
        let client = try relay.clientInAnyState()
        try eventually("DOWN with the cause") {
            _ = try client.nextIfAny(within: 0)
            return try relay.http("/health").body.contains("\"cause\":\"tls\"")
        }
        let reason = try relay.http("/health").body
        #expect(reason.contains(wrong.words), "\(reason)")
        #expect(try client.publish("c", "x").outcome == .notConnected)
        try relay.stop()
    }

    /// The certificate has to match the host that the relay connects to, whether that is a name or an address, or the
    /// name that is set.
    @Test func theNameThatTheCertificateMustHaveCanBeSet() throws {
        let ca = try TestCA()
        let certificate = try ca.certificate(names: ["DNS:redis.example"])
        let redis = try RedisServer(tls: ServerTLS(certificate: certificate, caFile: ca.caFile))
        let options = Self.trusting(ca) + ["--redis-tls-name", "redis.example"]
        let relay = try RelayProcess(redis: redis.url, options: options)
        _ = try relay.client()
        try relay.stop()
    }

    @Test func aCertificateOfOursLetsUsIn() throws {
        let ca = try TestCA()
        let redis = try RedisServer(tls: try ca.server(clients: .required))
        let ours = try ca.certificate("relay", names: [])
        let files = ["--redis-cert", ours.certificateFile, "--redis-key", ours.keyFile]
        let relay = try RelayProcess(redis: redis.url, options: Self.trusting(ca) + files)
        #expect(try relay.client().publish("c", "x").outcome == .ok)
        try relay.stop()
    }

    @Test func anyCertificateWillDoWhereThatIsAskedForAndTheLogWarns() throws {
        let ca = try TestCA()
        defer { withExtendedLifetime(ca) {} }
        let server = ServerTLS(certificate: try TestCertificate(selfSigned: "x"), caFile: ca.caFile)
        let redis = try RedisServer(tls: server)
        let relay = try RelayProcess(redis: redis.url, options: ["--redis-tls-insecure"])
        #expect(try relay.client().publish("c", "x").outcome == .ok)
        let lines = relay.process.errors.split(separator: "\n")
        #expect(lines.contains { $0.contains(" warning ") && $0.contains("--redis-tls-insecure") })
        try relay.stop()
    }

    @Test func aServerThatDoesNotSpeakTLSIsTold() throws {
        let redis = try RedisServer(onPort: true)
        let url = redis.url.replacing("redis://", with: "rediss://")
        let relay = try RelayProcess(redis: url, options: ["--connect-timeout", "300ms"])
        try eventually("the reason says so") {
            let health = try relay.http("/health").body
            return health.contains("does not speak TLS") && health.contains("\"status\":\"down\"")
        }
        try relay.stop()
    }

    @Test func aServerThatWantsTLSIsTold() throws {
        let ca = try TestCA()
        let redis = try RedisServer(tls: try ca.server())
        let url = redis.url.replacing("rediss://", with: "redis://")
        let relay = try RelayProcess(redis: url)
        try eventually("the reason says so") { try relay.http("/health").body.contains("rediss, not redis") }
        try relay.stop()
    }

    /// The server accepts connections, as the kernel does that for it, and never sends anything.
    @Test func aFrozenServerIsNoMatterOfTLS() throws {
        let ca = try TestCA()
        let redis = try RedisServer(tls: try ca.server())
        redis.freeze()
        let options = Self.trusting(ca) + ["--connect-timeout", "300ms"]
        let relay = try RelayProcess(redis: redis.url, options: options)
        try eventually("the handshake times out") { try relay.http("/health").body.contains("\"cause\":\"timeout\"") }
        redis.thaw()
        _ = try relay.client()
        try relay.stop()
    }

    /// TLS records hold many publishes. Only whole records show for which publishes no byte was sent.
    @Test func ofWhatIsToldAsNotSentNothingWasDelivered() throws {
        let ca = try TestCA()
        let redis = try RedisServer(tls: try ca.server())
        let relay = try RelayProcess(redis: redis.url, options: Self.trusting(ca) + shortDeadlines)
        let heard = try redis.client()
        try heard.subscribe("t:c")
        let client = try relay.client()
        redis.freeze()
        // This is more than the kernel takes, so the relay keeps some of it back.
        let filler = String(repeating: "x", count: 3000)
        var sent: UInt64 = 0
        var outcomes: [UInt64: HubrelayOutcome] = [:]
        let isFound = TestDeadline(within: 15)
        var pending: [UInt8] = []
        func sendSome() throws {
            pending.removeFirst(try client.socket.writeSome(pending[...]))
            while let frame = try client.nextIfAny(within: 0.005) { note(frame, &outcomes) }
        }
        while client.status.state != .down, !isFound.isOver {
            if pending.isEmpty {
                let ids = sent + 1...sent + 50
                sent += 50
                pending = ids.flatMap { HubrelayClientFrame.publish("c", "\($0) \(filler)", id: $0).bytes }
            }
            try sendSome()
        }
        try eventually("all Replies") {
            try sendSome()
            return pending.isEmpty && outcomes.count == Int(sent)
        }
        redis.thaw()
        try client.collect(untilState: .up)
        #expect(try client.publish("c", "end").outcome == .ok)
        var delivered: Set<UInt64> = []
        while let id = UInt64(String(decoding: try heard.nextMessage().payload.prefix { $0 != 32 }, as: UTF8.self)) {
            delivered.insert(id)
        }
        let unsent = outcomes.filter { $0.value == .notConnected }.map(\.key)
        #expect(delivered.isDisjoint(with: unsent))
        #expect(outcomes.values.contains(.interrupted))
        try relay.stop()
    }

    private func note(_ frame: HubrelayRelayFrame, _ outcomes: inout [UInt64: HubrelayOutcome]) {
        guard case .reply(let reply) = frame.frame else { return }
        #expect(outcomes.updateValue(reply.outcome, forKey: reply.id) == nil, "\(reply.id) again")
    }
}
