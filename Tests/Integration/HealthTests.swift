import TestSupport
import Testing

/// `/health`, `/livez` and `/readyz`: the state of the path, whatever it is, and what a supervisor may act on.
@Suite struct HealthTests {
    @Test func healthIs200WhileUpAndHasEverythingThatAPersonAsksFirst() throws {
        try withRelay(options: ["--probe", "100ms"]) { relay, redis in
            let client = try relay.client()
            #expect(try client.subscribe("a", "b") == .ok)
            #expect(try client.publish("a", "x").outcome == .ok)
            try client.expectMessage()
            // Both round trips are measured by the probe.
            try eventually("a probe has come back") {
                try relay.metric("hubrelay_probe_round_trip_seconds_count") > 0
            }
            let answer = try relay.http("/health")
            #expect(answer.status == 200)
            #expect(answer.headers["content-type"]?.hasPrefix("application/json") == true)
            let health = try answer.json
            #expect(health["status"] == .string("up"))
            #expect(health["version"] == .string("0.2.0"))
            #expect(health["connections"] == .number(1))
            #expect(health["subscriptions"] == .number(2))
            #expect(health["outages"] == .number(0))
            for name in ["uptime", "since", "reason", "publishes", "deliver", "lost", "link", "round_trip"] {
                #expect(health.names.contains { $0.contains(name) }, "no \(name) in \(health.names)")
            }
            #expect(answer.body.contains(redis.url.dropFirst("unix://".count)), "the address of the links")
        }
    }

    @Test func healthTellsAnOutageAndTheLocalPathsDoNot() throws {
        try withRelay { relay, redis in
            let client = try relay.client()
            redis.stop()
            try client.collect(untilState: .down)
            let down = try relay.http("/health")
            #expect(down.status == 503)
            let health = try down.json
            #expect(health["status"] == .string("down"))
            #expect(health["outages"] == .number(1))
            #expect(try relay.http("/livez").status == 200)
            #expect(try relay.http("/readyz").status == 200)
            #expect(try relay.http("/readyz?redis").status == 503)

            try redis.start()
            try client.collect(untilState: .up)
            #expect(try relay.http("/health").status == 200)
            #expect(try relay.http("/readyz?redis").status == 200)
        }
    }

    @Test func healthSaysDegradedAndStopping() throws {
        try withinIdleGrace {
            let redis = try RedisServer()
            let relay = try RelayProcess(redis: redis.url, options: ["--stop-timeout", "60s"])
            let plain = try redis.client()
            let client = try relay.client()
            try redis.refuseNewClients(true, through: plain)
            try plain.run("CLIENT", "KILL", "TYPE", "pubsub")
            try client.collect(untilState: .degraded)
            var answer = try relay.http("/health")
            #expect(answer.status == 503 && answer.body.contains("\"degraded\""))
            try redis.refuseNewClients(false, through: plain)
            try client.collect(untilState: .up)

            relay.process.signal(15)
            try client.collect(untilState: .stopping)
            answer = try relay.http("/health")
            #expect(answer.status == 503 && answer.body.contains("\"stopping\""))
            #expect(try relay.http("/livez").status == 200, "it must not be killed for stopping")
            client.socket.close()
            try relay.expectExit()
        }
    }

    @Test func noSecretIsShown() throws {
        let redis = try RedisServer(onPort: true)
        try redis.client().run("ACL", "SETUSER", "relay", "on", ">hush-hush", "~*", "&*", "+@all")
        let url = redis.url.replacing("redis://", with: "redis://relay:hush-hush@")
        let relay = try RelayProcess(redis: url)
        try relay.client().ping()
        for path in ["/health", "/metrics"] { #expect(!(try relay.http(path).body.contains("hush-hush"))) }
        try relay.stop()
        #expect(!relay.process.errors.contains("hush-hush"))
    }

    @Test func unknownPathsAre404AndOtherMethods405() throws {
        try withRelay { relay, redis in
            for path in [
                "//", "/healthz", "/health/", "/metrics/x", "/" + String(repeating: "x", count: 5000),
            ] {
                let status = try relay.http(path).status
                #expect(status == 404, "\(path.prefix(20))")
            }
            for path in ["/health", "/livez", "/readyz", "/metrics"] {
                for method in ["POST", "PUT", "DELETE"] {
                    let status = try relay.http(path, method: method).status
                    #expect(status == 405, "\(method) \(path)")
                }
            }
        }
    }

    @Test func itListensOnAPortAsWellAndNotWhereItIsOff() throws {
        let redis = try RedisServer()
        let port = try freePort()
        let relay = try RelayProcess(redis: redis.url, options: ["--http", "127.0.0.1:\(port)"])
        try relay.client().ping()  // it listens on the port last, and serves nobody before that
        #expect(try httpRequest("/livez", at: TestSocket(port: port)).status == 200)
        try relay.stop()
        let silent = try RelayProcess(redis: redis.url, options: ["--http", "off"])
        try silent.client().ping()
        #expect(throws: TestFailure.self) { try TestSocket(port: port) }
        #expect(!fileExists(silent.httpPath))
        try silent.stop()
    }
}
