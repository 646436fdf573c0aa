import TestSupport
import Testing

/// `hubrelay clients`, `hubrelay channels` and `hubrelay fleet`.
@Suite struct ListingCommandTests {
    @Test func clientsAreATable() throws {
        try withRelay { relay, _ in
            let app = try relay.client()
            #expect(try app.subscribe("a", "b") == .ok)
            let run = try Program.run("clients", "--http", "unix:\(relay.httpPath)")
            #expect(run.exit == .code(0) && run.errors.isEmpty)
            let lines = run.output.split(separator: "\n")
            #expect(lines.count == 2 && lines[0].contains("NAME") && lines[0].hasSuffix("LOST"))
            #expect(lines[1].contains("test"))
        }
    }

    @Test func jsonIsOneObjectPerLine() throws {
        try withRelay { relay, _ in
            let app = try relay.client()
            #expect(try app.subscribe("a", "b\u{1b}") == .ok)
            let environment = ["HUBRELAY_HTTP": "unix:\(relay.httpPath)"]
            let clients = try Program.run("clients", "--json", environment: environment)
            #expect(clients.output.contains(#","name":"test","uid":"#) && clients.output.hasSuffix("}\n"))
            #expect(clients.output.hasPrefix(#"{"id":"#) && clients.output.split(separator: "\n").count == 1)
            let channels = try Program.run("channels", "--json", "--sort", "name", environment: environment)
            let rest = #""pattern":false,"subscribers":1,"pending":0,"in_force":true}"#
            #expect(channels.output == "{\"name\":\"a\",\(rest)\n{\"name\":\"b\\u001b\",\(rest)\n")
            let one = try Program.run("channels", "--limit", "1", environment: environment)
            #expect(one.output.split(separator: "\n").count == 2 && one.output.contains("\na "))
        }
    }

    @Test func theFleetIsATable() throws {
        try withRelay(options: ["--fleet", "1s"]) { relay, redis in
            let other = try RelayProcess(redis: redis.url, name: "other", options: ["--fleet", "1s"])
            _ = try (relay.client(), other.client())
            try eventually("they know of each other") { try relay.http("/fleet").json["relays"] == .number(2) }
            let run = try Program.run("fleet", "--http", "unix:\(relay.httpPath)")
            #expect(run.exit == .code(0) && run.errors.isEmpty)
            let lines = run.output.split(separator: "\n")
            #expect(lines.count == 3 && lines[0].hasPrefix("HOST ") && lines[0].hasSuffix(" HEARD"))
            #expect(lines.dropFirst().allSatisfy { $0.contains("  up  ") }, "\(run.output)")
            #expect(lines.count { $0.hasSuffix(" itself") } == 1 && lines.count { $0.hasSuffix(" ago") } == 1)
            let json = try Program.run("fleet", "--json", environment: ["HUBRELAY_HTTP": "unix:\(relay.httpPath)"])
            #expect(json.output.split(separator: "\n").allSatisfy { $0.hasPrefix(#"{"host":""#) })
            try other.stop()
        }
    }

    @Test func aRelayWithoutAFleetSaysSo() throws {
        try withRelay { relay, _ in
            let run = try Program.run("fleet", "--http", "unix:\(relay.httpPath)")
            #expect(run.exit == .code(1) && run.output.isEmpty)
            #expect(run.errors.contains("404: the relay does not announce itself: --fleet off"))
        }
    }

    @Test func namesCanDoNothingToTheTerminal() throws {
        try withRelay { relay, _ in
            let app = try relay.client(name: "\u{1b}]0;x\u{7}\n")
            #expect(try app.subscribe("\u{1b}[2J") == .ok)
            for command in ["clients", "channels"] {
                let run = try Program.run(command, "--http", "unix:\(relay.httpPath)")
                #expect(
                    run.output.contains("\\u{1b}") && !run.output.contains("\u{1b}") && !run.output.contains("\u{7}"))
                #expect(run.output.split(separator: "\n").count == 2)
            }
        }
    }

    @Test func whatIsNotAllowedIsTold() throws {
        for (arguments, words) in [
            (["clients", "--sort", "bytes"], "--sort: \"bytes\" is not allowed; allowed: id, name"),
            (["channels", "--sort", "lost"], "allowed: name, subscribers"),
            (["fleet", "--sort", "id"], "allowed: host, state, version, clients, round_trip"),
            (["clients", "--limit", "0"], "--limit: \"0\" is out of range; allowed: 1 to 1000"),
            (["top", "--interval", "1ms"], "--interval: \"1ms\" is out of range"),
        ] {
            let directory = try TemporaryDirectory()
            let process = try Program.start(arguments, in: directory)
            #expect(try process.waitForExit() == .code(64))
            #expect(process.errors.contains(words), "\(process.errors)")
        }
    }

    @Test(arguments: ["clients", "channels", "top", "fleet"])
    func aRelayThatDoesNotTellSaysWhy(command: String) throws {
        let redis = try RedisServer()
        let relay = try RelayProcess(redis: redis.url, options: ["--http-details", "nowhere"])
        let run = try Program.run(command, "--http", "unix:\(relay.httpPath)")
        #expect(run.exit == .code(1) && run.output.isEmpty)
        #expect(run.errors.contains("answers: 403: single clients, channels and relays are not shown here"))
        try relay.stop()
    }

    /// The relay examines a limited number of names for each answer.
    @Test func rowsOfSeveralAnswersBecomeOneList() throws {
        try withRelay { relay, _ in
            let app = try relay.client()
            // The names that are first in alphabetical order are subscribed to last.
            let names = (10_000..<30_000).reversed().map { "n.\($0)" }
            #expect(try app.request(.subscribe(names, id: 77), id: 77).outcome == .ok)
            let http = ["--http", "unix:\(relay.httpPath)"]
            #expect(try relay.http("/channels?limit=1").json["next"] == .number(16_384))
            let run = try Program.run("channels", "--limit", "3", http[0], http[1])
            #expect(run.exit == .code(0))
            #expect(
                run.output.split(separator: "\n").dropFirst().map { $0.prefix(7) } == ["n.10000", "n.10001", "n.10002"])
        }
    }
}
