import TestSupport
import Testing

@testable import RelayCore

/// What is reported about single channels and patterns.
@Suite struct ChannelListingTests {
    private let rig = HubRig()

    init() { rig.bringUp() }

    private func listing(_ order: ChannelOrder = .name, limit: Int = 100, after: Int = 0) -> Listing<ChannelFacts> {
        rig.hub.channels(by: order, limit: limit, after: after)
    }

    private func lines(_ order: ChannelOrder = .name, limit: Int = 100) -> [String] {
        listing(order, limit: limit).items.map { channel in
            "\(channel.isPattern ? "pattern " : "")\(channel.name) \(channel.subscribers)\(channel.isInForce ? "" : " out")"
        }
    }

    @Test func channelsAndPatternsAreToldWithTheirSubscribers() {
        let (one, other) = (rig.connect(), rig.connect())
        one.write(.subscribe(["b", "a"], patterns: ["a"], id: 1))
        other.write(.subscribe(["b"], patterns: ["z*"], id: 1))
        rig.settle()
        #expect(lines() == ["a 1", "pattern a 1", "b 2", "pattern z* 1"])
        #expect(lines(.subscribers) == ["b 2", "a 1", "pattern a 1", "pattern z* 1"])
        #expect(lines(.subscribers, limit: 2) == ["b 2", "a 1"])
        #expect(listing().total == 4 && listing().next == nil)
    }

    @Test func whatIsGivenUpIsGoneAndItsPlaceIsAnothers() {
        let app = rig.connect()
        let long = String(repeating: "x", count: 100)
        app.write(.subscribe(["a", long], id: 1))
        rig.settle()
        app.write(.unsubscribe(["a", long], id: 2))
        rig.settle()
        #expect(lines().isEmpty && listing().lookedAt == 2)
        app.write(.subscribe(["b"], id: 3))
        rig.settle()
        #expect(lines() == ["b 1"])
        app.close()
        rig.settle()
        #expect(lines().isEmpty)
    }

    @Test func withoutRedisNothingIsInForceAndWhatWaitsIsPending() {
        let app = rig.connect()
        app.write(.subscribe(["a"], id: 1))
        rig.settle()
        rig.loseSubscribeLink()
        #expect(lines() == ["a 1 out"])
        rig.openSubscribeLink()
        app.write(.subscribe(["b"], id: 2))
        #expect(listing().items.first { $0.name == "b" }?.pending == 1)
        rig.settle()
        #expect(lines() == ["a 1", "b 1"])
    }

    @Test func allNamesComeIfAskedAgainAndAgain() {
        let app = rig.connect()
        app.write(.subscribe((0..<300).map { "room.\($0)" }, id: 1))
        rig.settle()
        #expect(listing(limit: 1000).items.count == 300)
        #expect(listing(limit: 1000, after: 100).items.count == 200)
        #expect(listing(limit: 7).items.count == 7)
    }
}
