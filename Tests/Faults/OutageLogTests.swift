import TestSupport
import Testing

/// The log of an outage has a line for each change of the state, however many attempts there are, and a summary if the
/// state does not settle.
@Suite struct OutageLogTests {
    @Test func attemptsAreNotLogged() throws {
        let fake = try FakeRedisServer()
        let relay = try RelayProcess(redis: fake.url)
        let client = try relay.client()
        fake.follow { $0.verb.isEmpty || $0.verb == "PING" ? .last([]) : .usual }
        try client.collect(untilState: .down)
        let made = fake.connectionsMade
        try eventually("a hundred attempts") { fake.connectionsMade > made + 100 }
        fake.behave()
        try client.collect(untilState: .up)
        // What each line says: the state, and its cause. No line repeats the line before it.
        let told = relay.process.errors.split(separator: "\n").filter { $0.contains("state changed") }.map { line in
            line.split(separator: " ").filter { $0.hasPrefix("state=") || $0.hasPrefix("cause=") }
        }
        #expect(told.count > 2)
        #expect(zip(told, told.dropFirst()).allSatisfy { $0 != $1 }, "\(relay.process.errors)")
        try relay.stop()
    }

    @Test func aPathThatKeepsChangingIsSummedUp() async throws {
        let fake = try FakeRedisServer()
        // Long enough for the state to become UP, and over within moments.
        fake.cutShort { link, _ in link == .publish ? 300 : nil }
        let relay = try RelayProcess(
            redis: fake.url,
            options: ["--heartbeat-interval", "20ms", "--probe", "20ms", "--link-timeout", "20s"])
        try await inTheEnd("there is a summary", within: 40) {
            relay.process.errors.contains("the state keeps changing")
        }
        let lines = relay.process.errors.split(separator: "\n").filter {
            $0.contains("state changed") || $0.contains("the state keeps changing")
        }
        // A window of ten seconds begins with the first line of all or with a summary, and contains six lines.
        for (index, line) in lines.enumerated() where index == 0 || line.contains("the state keeps changing") {
            let inWindow = lines[index...].prefix { seconds(from: line, to: $0) < 9.9 }
            #expect(inWindow.count <= 6, "\(relay.process.errors)")
        }
        let summaries = lines.filter { $0.contains("the state keeps changing") }
        #expect(summaries.allSatisfy { $0.contains("changes_not_logged") })
        // On a busy machine, more summaries may have come by the time that the test reads the log.
        for (earlier, later) in zip(summaries, summaries.dropFirst()) {
            #expect(seconds(from: earlier, to: later) > 9.9, "\(relay.process.errors)")
        }
        #expect(try relay.metric("hubrelay_outages_total") > 6, "it did not flap")
        fake.behave()
        try relay.stop()
    }

    /// The lines of the window are used up, and then the password is refused. That does not go away by itself.
    @Test func whatSomebodyHasToMendIsLoggedThoughThePathKeepsChanging() throws {
        let fake = try FakeRedisServer()
        fake.cutShort { link, _ in link == .publish ? 300 : nil }
        let relay = try RelayProcess(
            redis: fake.url,
            options: ["--heartbeat-interval", "20ms", "--probe", "20ms", "--link-timeout", "20s"])
        try eventually("it has flapped") { try relay.metric("hubrelay_outages_total") > 6 }
        fake.follow { $0.verb == "PING" ? .text("-NOAUTH Authentication required.\r\n") : .usual }
        try eventually("the cause has a line of its own") {
            relay.process.errors.split(separator: "\n").contains {
                $0.contains("state changed") && $0.contains("cause=auth")
            }
        }
        fake.behave()
        _ = try relay.client()
        try relay.stop()
    }

    private func seconds(from earlier: Substring, to later: Substring) -> Double {
        (secondOfDay(later) - secondOfDay(earlier) + 86_400).truncatingRemainder(dividingBy: 86_400)
    }

    /// The second of the day from the time at the beginning of a log line, such as 2026-01-01T12:34:56.789Z.
    private func secondOfDay(_ line: Substring) -> Double {
        let time = line.prefix { $0 != " " }.drop { $0 != "T" }.dropFirst().dropLast().split(separator: ":")
        return time.reduce(0) { $0 * 60 + (Double($1) ?? .nan) }
    }
}
