import RESP
import TestSupport
import Testing

@testable import RelayCore

/// The fleet's channel is the relay's own. Redis has it beside the names of apps, but no app sees it.
@Suite struct FleetHubTests {
    private let channel = Array("app:__hubrelay:fleet:1".utf8)

    private func makeRig(shards: Int? = nil) -> HubRig {
        var options = HubRig.Options()
        (options.fleetInterval, options.shards) = (30_000_000_000, shards)
        return HubRig(options)
    }

    private func announcement(_ id: String, _ state: State = .up) -> [UInt8] {
        Announcement(
            relayID: id, host: "there", version: "2", socket: "s", state: state, intervalMilliseconds: 30_000
        ).bytes
    }

    private var name: FakeRedis.Name { .init(bytes: channel, isPattern: false) }

    private func said(_ redis: FakeRedis) -> [Announcement] {
        redis.published.filter { $0.channel == channel }.compactMap { message in
            (try? message.payload.withUnsafeBytes { try Announcement($0) }) ?? nil
        }
    }

    private func hear(_ rig: HubRig, _ bytes: [UInt8]) {
        rig.redis.publish(channel, bytes)
        rig.settle()
    }

    @Test func theRelayIsSubscribedAndAnnouncesItself() throws {
        let rig = makeRig()
        rig.bringUp()
        rig.settle()
        #expect(rig.redis.subscribed.contains(name) && rig.hub.isFleetHeard)
        for _ in 0..<24 { rig.tick() }
        rig.settle()
        let own = try #require(said(rig.redis).first)
        #expect(own.relayID == "test" && own.host == "here" && own.socket == "/run/test.sock" && own.version == "test")
        #expect(own.state == .up && own.intervalMilliseconds == 30_000)
        #expect(rig.hub.fleet?.members.isEmpty == true, "it does not take itself for another one")
        #expect(said(rig.redis).count == 1)
    }

    @Test func othersAreHeardAndNoAppHearsThem() throws {
        let rig = makeRig()
        rig.bringUp()
        let app = rig.connect()
        app.write(.subscribe([], patterns: ["*"], id: 1))
        rig.settle()
        _ = app.takeFrames()
        hear(rig, announcement("other"))
        #expect(rig.hub.fleet?.members.map(\.announcement.host) == ["there"])
        #expect(app.takeFrames().isEmpty)
        #expect(rig.hub.counters.messagesReceived == 0)
        #expect(rig.hub.nameCount == 1 && rig.hub.channels(by: .name, limit: 10).total == 1)
        #expect(rig.hub.channels(by: .name, limit: 10).items.map(\.name) == ["*"])
        hear(rig, announcement("other", .stopping))
        #expect(rig.hub.fleet?.members.isEmpty == true)
    }

    @Test func aNewLinkHearsThemAgain() {
        let rig = makeRig()
        rig.bringUp()
        rig.settle()
        rig.loseSubscribeLink()
        #expect(!rig.hub.isFleetHeard)
        rig.openSubscribeLink()
        rig.settle()
        #expect(rig.redis.subscribed.contains(name) && rig.hub.isFleetHeard)
    }

    @Test func whatIsDeniedIsSaidAndAskedForAgain() {
        let rig = makeRig()
        rig.redis.forbidden = [name]
        rig.bringUp()
        let app = rig.connect()
        app.write(.subscribe(["a"], id: 1))
        rig.settle()
        #expect(rig.path.status.state == .up, "apps do without")
        #expect(rig.hub.fleet?.problem?.hasPrefix("NOPERM") == true && !rig.hub.isFleetHeard)
        rig.redis.forbidden = []
        for _ in 0..<24 { rig.tick() }
        rig.settle()
        rig.tick()
        #expect(rig.hub.fleet?.problem == nil && rig.hub.isFleetHeard)
    }

    @Test func aReloadAsksAgainAtOnce() {
        let rig = makeRig()
        rig.redis.forbidden = [name]
        rig.bringUp()
        rig.settle()
        rig.redis.forbidden = []
        rig.event { rig.upstream.reload() }
        rig.settle()
        #expect(rig.hub.isFleetHeard)
    }

    @Test func aDeniedPublishIsSaidAndTriedAgain() {
        let rig = makeRig()
        rig.bringUp()
        rig.settle()
        rig.redis.refusesPublishes = true
        for _ in 0..<24 { rig.tick() }
        rig.settle()
        rig.tick()
        #expect(rig.hub.fleet?.problem?.hasPrefix("NOPERM") == true)
        #expect(rig.path.status.state == .up)
        #expect(rig.lines.count { $0.message.contains("announce themselves") } == 1)
        rig.redis.refusesPublishes = false
        for _ in 0..<160 { rig.tick() }
        rig.settle()
        rig.tick()
        #expect(rig.hub.fleet?.problem == nil && said(rig.redis).count >= 1)
        #expect(rig.lines.count { $0.message.contains("announce themselves") } == 1)
        #expect(rig.lines.last?.message == "Redis grants what it refused before")
    }

    @Test func aRelayThatStopsSaysSo() {
        let rig = makeRig()
        rig.bringUp()
        rig.settle()
        rig.event { rig.upstream.stop() }
        rig.settle()
        #expect(said(rig.redis).map(\.state) == [.stopping])
        for _ in 0..<400 { rig.tick() }
        rig.settle()
        #expect(said(rig.redis).count == 1)
    }

    /// If a connection is closed with unread answers, the last announcement may be lost.
    @Test func itWaitsForTheAnswerToThatForAMoment() {
        let rig = makeRig()
        rig.bringUp()
        rig.settle()
        rig.event { rig.upstream.stop() }
        #expect(!rig.upstream.hasStopped)
        rig.settle()
        #expect(rig.upstream.hasStopped)
        let other = makeRig()
        other.bringUp()
        other.settle()
        other.event { other.upstream.stop() }
        for _ in 0..<3 { other.tick() }
        #expect(!other.upstream.hasStopped)
        other.tick()
        #expect(other.upstream.hasStopped)
    }

    @Test func aLinkThatIsLostOwesNoAnswerAnyMore() {
        let rig = makeRig()
        rig.bringUp()
        rig.settle()
        rig.event { rig.upstream.stop() }
        #expect(rig.node.publishes.inFlight == 1 && !rig.upstream.hasStopped)
        rig.losePublishLink()
        #expect(rig.node.publishes.inFlight == 0 && rig.upstream.hasStopped)
    }

    /// An error that costs the link is an answer as well: the relay does not wait any longer before it stops.
    @Test func anAnswerThatCostsTheLinkIsOne() {
        let rig = makeRig()
        rig.bringUp()
        rig.settle()
        rig.redis.refusals["PUBLISH"] = "NOAUTH Authentication required."
        rig.event { rig.upstream.stop() }
        #expect(!rig.upstream.hasStopped)
        rig.settle()
        #expect(rig.upstream.hasStopped)
    }

    /// The relay is UP before Redis has answered for the fleet's channel. A refusal of it affects no name of an app.
    @Test func noAppWaitsForIt() {
        let rig = makeRig()
        rig.redis.forbidden = [name]
        let app = rig.connect()
        app.write(.subscribe((0..<20).map { "c\($0)" }, id: 1))
        rig.bringUp()
        rig.settle()
        #expect(rig.redis.commandSizes == [20, 1] && rig.path.status.state == .up)
        rig.loseSubscribeLink()
        rig.redis.forbidden = []
        rig.openSubscribeLink()
        rig.flushSubscribes()
        rig.redis.executeSubscribe()
        while rig.readSubscribeReply() {}
        rig.turn()
        #expect(rig.path.status.state == .up && !rig.hub.isFleetHeard)
        rig.settle()
        #expect(rig.redis.commandSizes == [20, 1, 20, 1] && rig.hub.isFleetHeard)
    }

    @Test func anErrorOfTheMomentIsNoDenial() {
        let rig = makeRig()
        rig.bringUp()
        rig.settle()
        rig.redis.refusals["PUBLISH"] = "MISCONF not now"
        for _ in 0..<24 { rig.tick() }
        rig.settle()
        #expect(rig.hub.fleet?.problem == nil && said(rig.redis).isEmpty && rig.node.publishes.inFlight == 0)
        rig.redis.refusals = [:]
        for _ in 0..<12 { rig.tick() }
        rig.settle()
        #expect(said(rig.redis).count == 1)
    }

    /// The node that had the slot of the fleet's channel has lost it, and no node has it yet.
    @Test func onAClusterNoAppMissesItsSlot() {
        let rig = makeRig(shards: 2)
        rig.give(["__hubrelay:fleet:1"], to: 0)
        rig.give(["a"], to: 1)
        rig.bringUp()
        let app = rig.connect()
        app.write(.subscribe(["a"], id: 1))
        rig.settle()
        #expect(rig.path.status.state == .up)
        rig.nodes[0].redis.unsubscribeByItself(name)
        rig.settle()
        for _ in 0..<8 { rig.tick() }
        #expect(rig.path.status.state == .up && rig.path.status.gaps == 0 && rig.path.status.outages == 0)
    }

    @Test func withoutItThereIsNothing() {
        let rig = HubRig()
        rig.bringUp()
        rig.settle()
        for _ in 0..<400 { rig.tick() }
        #expect(rig.hub.fleet == nil && rig.redis.subscribed.isEmpty && rig.redis.published.isEmpty)
        #expect(rig.upstream.fleetListing(by: .host, limit: 10) == nil)
    }

    /// The slot of the fleet's channel has a node like all others, and may move to another node.
    @Test func onAClusterItGoesWithItsSlot() {
        let rig = makeRig(shards: 2)
        rig.give(["__hubrelay:fleet:1"], to: 0)
        rig.bringUp()
        rig.settle()
        #expect(rig.nodes[0].redis.subscribed.contains(name) && rig.hub.isFleetHeard)
        rig.move(["__hubrelay:fleet:1"], to: 1)
        rig.settle()
        #expect(rig.nodes[1].redis.subscribed.contains(name))
        for _ in 0..<24 { rig.tick() }
        rig.settle()
        #expect(said(rig.nodes[1].redis).count == 1 && said(rig.nodes[0].redis).isEmpty)
        #expect(rig.path.status.gaps == 0, "no app has missed anything")
    }

    @Test func relaysAreListedWithThisOneAmongThem() throws {
        let rig = makeRig()
        rig.bringUp()
        rig.settle()
        _ = rig.connect()
        rig.tick()
        for (id, host, state, clients) in [("1", "web2", State.up, 5), ("2", "app", .degraded, 7)] {
            hear(
                rig,
                Announcement(
                    relayID: id, host: host, version: "2", socket: "s", state: state, roundTripMicroseconds: 10,
                    connections: UInt64(clients), intervalMilliseconds: 1000
                ).bytes)
        }
        func hosts(_ order: FleetOrder, limit: Int = 10) -> [String] {
            rig.upstream.fleetListing(by: order, limit: limit)?.items.map(\.announcement.host) ?? []
        }
        #expect(hosts(.host) == ["app", "here", "web2"] && hosts(.host, limit: 1) == ["app"])
        #expect(hosts(.clients) == ["app", "web2", "here"] && hosts(.state) == ["app", "here", "web2"])
        #expect(hosts(.version) == ["app", "web2", "here"] && hosts(.roundTrip) == ["app", "web2", "here"])
        let own = try #require(rig.upstream.fleetListing(by: .host, limit: 10)?.items[1])
        #expect(own.isSelf && own.announcement.connections == 1 && own.announcement.state == .up)
        rig.hub.now += 4_100_000_000
        rig.event {}
        let listing = try #require(rig.upstream.fleetListing(by: .state, limit: 10))
        #expect(listing.total == 1 && listing.items.map(\.isSilent) == [true, true, false])
    }
}
