import TestSupport
import Testing

/// `hubrelay wait`, which start scripts call before they continue.
@Suite struct WaitTests {
    @Test func itWaitsUntilTheRelayAnswers() throws {
        let (directory, other) = (try TemporaryDirectory(), try TemporaryDirectory())
        let redis = try RedisServer()
        let http = "unix:\(directory.path(of: "relay.http"))"
        let waiting = try Program.start(["wait", "--http", http, "--max", "10m"], in: directory)
        let asking = try Program.start(["wait", "--up", "--http", http, "--max", "10m"], in: other)
        let relay = try RelayProcess(redis: redis.url, directory: directory)
        #expect(try waiting.waitForExit() == .code(0))
        #expect(waiting.output == "live\n" && waiting.errors.isEmpty)
        #expect(try asking.waitForExit() == .code(0))
        #expect(asking.output == "up\n" && asking.errors.isEmpty)
        try relay.stop()
    }

    @Test func upMeansTheWholePath() throws {
        let directory = try TemporaryDirectory()
        let redis = try RedisServer()
        redis.stop()
        let relay = try RelayProcess(redis: redis.url, directory: directory)
        let http = "unix:\(relay.httpPath)"
        #expect(try Program.run("wait", "--http", http) == Run(exit: .code(0), output: "live\n", errors: ""))
        let once = try Program.run("wait", "--up", "--http", http, "--max", "0s")
        #expect(once.exit == .code(1) && once.output.isEmpty)
        #expect(once.errors.hasPrefix("hubrelay: the relay is not up after 0s; last seen: down, "), "\(once.errors)")
        #expect(once.errors.filter { $0 == "\n" }.count == 1)
        let waiting = try Program.start(["wait", "--up", "--http", http, "--max", "10m"], in: directory)
        try redis.start()
        #expect(try waiting.waitForExit() == .code(0))
        try relay.stop()
    }

    @Test func nobodyThereIsToldAtTheEnd() throws {
        let port = try freePort()
        let run = try Program.run("wait", "--http", "127.0.0.1:\(port)", "--max", "300ms")
        #expect(run.exit == .code(1) && run.output.isEmpty)
        #expect(
            run.errors.hasPrefix(
                "hubrelay: the relay is not live after 300ms; last seen: cannot connect to 127.0.0.1:\(port): "
                    + "Connection refused"), "\(run.errors)")
    }

    /// The command waits for no answer longer than `--max`.
    @Test func whoDoesNotAnswerIsToldAtTheEnd() throws {
        let server = try FakeServer { peer in
            _ = try peer.read(until: "\r\n\r\n")
            try peer.expectEnd()
        }
        let run = try Program.run("wait", "--http", "unix:\(server.path)", "--max", "300ms", "--timeout", "60m")
        #expect(run.exit == .code(1) && run.errors.contains("last seen: "))
    }

    @Test func withHTTPOffThereIsNothingToWaitFor() throws {
        let run = try Program.run("wait", "--max", "60m", environment: ["HUBRELAY_HTTP": "off"])
        let line = "hubrelay: --http is off, so there is nothing to wait for\n"
        #expect(run == Run(exit: .code(1), output: "", errors: line))
    }

    @Test func anotherRelayIsNotTheOneThatIsWaitedFor() throws {
        try withRelay { relay, _ in
            let other = relay.directory.path(of: "other.sock")
            let run = try Program.run("wait", "--http", "unix:\(relay.httpPath)", "--socket", other, "--max", "0s")
            #expect(run.exit == .code(1))
            #expect(
                run.errors.contains("last seen: the relay at unix:\(relay.httpPath) serves another socket")
            )
            let own = ["wait", "--http", "unix:\(relay.httpPath)", "--socket", relay.socketPath]
            #expect(try Program.run(own).exit == .code(0))
        }
    }
}
