import Glibc
import TestSupport
import Testing

/// `/connections` and `/channels`, which list single clients and channels.
@Suite struct ListingTests {
    private func clients(_ relay: RelayProcess, _ query: String = "") throws -> [JSON] {
        let answer = try relay.http("/connections" + query)
        #expect(answer.status == 200 && answer.headers["content-type"] == "application/json")
        return try answer.json["clients"]?.elements ?? []
    }

    @Test func aClientIsToldWithWhatTheKernelKnowsOfIt() throws {
        try withRelay { relay, redis in
            let app = try relay.client()
            #expect(try app.subscribe("a", "b") == .ok)
            for _ in 0..<3 { #expect(try app.publish("a", "x").outcome == .ok) }
            for _ in 0..<3 { try app.expectMessage() }
            let listed = try clients(relay)
            #expect(listed.count == 1)
            let client = try #require(listed.first)
            #expect(client["name"] == .string("test") && client["stage"] == .string("serving"))
            #expect(client["uid"] == .number(Double(getuid())) && client["pid"] == .number(Double(getpid())))
            #expect(client["channels"] == .number(2))
            #expect(client["published"] == .number(3) && client["delivered"] == .number(3))
            #expect(client["unread_bytes"] == .number(0) && client["lost"] == .number(0))
            #expect(client["held_back"] == .bool(false))
            guard case .number(let age)? = client["age_seconds"] else { throw TestFailure("no age: \(client)") }
            #expect(age >= 0 && age < 600)
        }
    }

    /// A second has passed by then. Each listing counts from the one before.
    @Test func ratesAreFromLookToLook() throws {
        try withRelay { relay, redis in
            let app = try relay.client()
            _ = try clients(relay)
            for _ in 0..<50 { #expect(try app.publish("a", "x").outcome == .ok) }
            try eventually("a look has counted") {
                guard case .number(let rate)? = try clients(relay)[0]["published_per_second"] else { return false }
                return rate > 0
            }
        }
    }

    @Test func aSlowReaderComesFirst() throws {
        try withRelay(options: ["--window", "16KiB"]) { relay, redis in
            let plain = try redis.client()
            let (quick, slow) = (try relay.client(), try relay.client())
            #expect(try quick.subscribe("c") == .ok)
            #expect(try slow.subscribe("c") == .ok)
            let payload = String(repeating: "x", count: 10_000)
            try eventually("it loses messages") {
                try plain.run("PUBLISH", relay.prefix + "c", payload)
                try quick.expectMessage()
                guard case .number(let lost)? = try clients(relay, "?sort=unread")[0]["lost"] else { return false }
                return lost > 0
            }
            let first = try clients(relay, "?sort=lost&limit=1")
            let inOrder = try clients(relay, "?sort=id")
            #expect(first.count == 1 && inOrder.count == 2 && first[0]["id"] == inOrder[1]["id"])
            guard case .number(let unread)? = first[0]["unread_bytes"] else { throw TestFailure("none unread") }
            #expect(unread > 0 && unread <= 16_384)
        }
    }

    @Test func channelsAreTold() throws {
        try withRelay { relay, redis in
            let (one, other) = (try relay.client(), try relay.client())
            #expect(try one.subscribe("room.1", "\"quoted\"\n") == .ok)
            #expect(try other.subscribe("room.1") == .ok)
            let answer = try relay.http("/channels?sort=subscribers").json
            #expect(answer["names"] == .number(2) && answer["next"] == .null)
            let channels = answer["channels"]?.elements ?? []
            #expect(channels.map { $0["name"]?.text } == ["room.1", "\"quoted\"\n"])
            #expect(channels.map { $0["subscribers"] } == [.number(2), .number(1)])
            #expect(channels.allSatisfy { $0["pattern"] == .bool(false) && $0["in_force"] == .bool(true) })
        }
    }

    @Test func aWrongQueryIsToldAndNothingOfItIsRepeated() throws {
        try withRelay { relay, redis in
            for path in ["/connections?sort=<script>", "/channels?sort=lost", "/channels?limit=1001", "/connections?x"]
            {
                let answer = try relay.http(path)
                #expect(answer.status == 400 && answer.body.hasPrefix("400: ") && answer.body.contains("allowed"))
                #expect(!answer.body.contains("script"))
            }
        }
    }

    /// Channel names may be secrets.
    @Test(arguments: [
        ("0.0.0.0", [], 403), ("0.0.0.0", ["--http-details", "anywhere"], 200), ("127.0.0.1", [], 200),
        ("127.0.0.1", ["--http-details", "nowhere"], 403),
    ])
    func whereOthersCanAskNothingIsToldUnlessASettingSaysSo(host: String, options: [String], status: Int) throws {
        let redis = try RedisServer()
        let port = try freePort()
        let relay = try RelayProcess(redis: redis.url, options: ["--http", "\(host):\(port)"] + options)
        let app = try relay.client()
        #expect(try app.subscribe("secret-channel") == .ok)
        for path in ["/connections", "/channels"] {
            let answer = try httpRequest(path, at: TestSocket(port: port))
            #expect(answer.status == status, "\(path)")
            #expect(answer.body.contains("secret-channel") == (status == 200 && path == "/channels"))
            if status == 403 { #expect(answer.body.contains("--http-details")) }
        }
        try relay.stop()
    }

    /// However many requests for different listings come at once, each turn of the loop makes one of them.
    @Test func manyListingsAtOnceAreAllAnswered() throws {
        try withRelay { relay, redis in
            let app = try relay.client()
            #expect(try app.subscribe("a") == .ok)
            let sockets = try (1...40).map { number in
                let socket = try TestSocket(unix: relay.httpPath)
                try socket.write(
                    Array("GET /channels?limit=\(number) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".utf8))
                return socket
            }
            for socket in sockets {
                var bytes: [UInt8] = []
                while let more = try socket.read(within: TestDeadline.patience), !more.isEmpty { bytes += more }
                let answer = String(decoding: bytes, as: UTF8.self)
                #expect(answer.hasPrefix("HTTP/1.1 200") && answer.hasSuffix("]}\n"))
            }
        }
    }
}
