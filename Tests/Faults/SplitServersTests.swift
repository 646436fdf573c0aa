import TestSupport
import Testing

/// The two links end at servers that no longer hear each other, or no messages come back. Everything is connected,
/// every heartbeat is answered, and no message ever arrives.
@Suite struct SplitServersTests {
    @Test func linksThatBeginAtDifferentServersNeverMakeAnUp() throws {
        let (first, second) = (try RedisServer(), try RedisServer())
        let proxy = try RedisProxy(to: first)
        proxy.lead(.subscribe, to: second)
        let relay = try RelayProcess(redis: proxy.url, options: shortDeadlines)
        let client = try relay.clientInAnyState()
        try expectProbeToFail(relay, proxy)
        // The client has been connected from the beginning.
        let statuses = try client.collectStatuses()
        #expect(client.welcome.status.state != .up && statuses.allSatisfy { $0.state != .up })

        proxy.lead(.subscribe, to: first)
        try client.collect(untilState: .up)
        #expect(client.status.outages == 0, "it had not been UP yet")
        try expectToHearItself(client)
        try relay.stop()
    }

    @Test func aLinkThatComesBackAtAnotherServerIsFoundOut() throws {
        let (first, second) = (try RedisServer(), try RedisServer())
        let proxy = try RedisProxy(to: first)
        let relay = try RelayProcess(redis: proxy.url, options: shortDeadlines)
        let client = try relay.client()
        #expect(try client.subscribe("c") == .ok)
        let before = client.status
        proxy.lead(.subscribe, to: second)
        try first.client().run("CLIENT", "KILL", "TYPE", "pubsub")
        try eventually("it is told") {
            try client.collectStatuses().contains { !$0.receiving }
        }
        try expectProbeToFail(relay, proxy)
        let split = try client.collectStatuses()
        #expect(split.allSatisfy { $0.state != .up })

        // Both links go to the other server: what counts is that they are at the same one.
        proxy.lead(.publish, to: second)
        try client.collect(untilState: .up)
        #expect(client.status.outages == before.outages + 1)
        #expect(client.status.gaps > before.gaps)
        #expect(try second.client().subscribers(of: "t:c") == 1)
        try expectToHearItself(client)
        try relay.stop()
    }

    @Test func aPathThatGoesDeafIsFoundOut() throws {
        let redis = try RedisServer()
        let proxy = try RedisProxy(to: redis)
        let relay = try RelayProcess(redis: proxy.url, options: shortDeadlines)
        let client = try relay.client()
        #expect(try client.subscribe("c") == .ok)
        let before = client.status
        let connections = proxy.connections(of: .subscribe)
        proxy.loseMessages(true)
        try client.collect(untilState: .down)
        #expect(client.status.cause == .probe, "\(client.status)")
        #expect(!client.status.reason.isEmpty)
        try eventually("it connects anew") { proxy.connections(of: .subscribe) > connections }

        proxy.loseMessages(false)
        try client.collect(untilState: .up)
        #expect(client.status.outages == before.outages + 1)
        #expect(client.status.gaps > before.gaps)
        try expectToHearItself(client)
        try relay.stop()
    }

    /// Waits until the probe has failed and the relay has connected again, with both links.
    private func expectProbeToFail(_ relay: RelayProcess, _ proxy: RedisProxy) throws {
        let before = RedisProxy.Link.allCases.map { proxy.connections(of: $0) }
        var causes: Set<HubrelayCause> = []
        try eventually("both links are made anew, since the probe has failed") {
            let status = try relay.clientInAnyState().welcome.status
            causes.insert(status.cause)
            let now = RedisProxy.Link.allCases.map { proxy.connections(of: $0) }
            return causes.contains(.probe) && zip(before, now).allSatisfy { $0 < $1 }
        }
        #expect(try relay.http("/health").status == 503)
    }

    private func expectToHearItself(_ client: TestConnection) throws {
        _ = try client.collectStatuses()
        #expect(try client.subscribe("c") == .ok)
        #expect(try client.publish("c", "heard").outcome == .ok)
        #expect(try client.expectMessage().text == "heard")
    }
}
