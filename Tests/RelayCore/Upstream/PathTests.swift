import Configuration
import RESP
import TestSupport
import Testing

@testable import RelayCore

/// What apps and people learn about the path, and which requests wait for it, if probes prove it.
@Suite struct PathTests {
    private let rig: HubRig
    private let failure = LinkFailure(cause: .probe, reason: "the path is bad")

    init() {
        var options = HubRig.Options()
        options.probeInterval = 5_000_000_000
        rig = HubRig(options)
    }

    private func giveUp() { rig.event { rig.redisNode(0).giveUp(failure) } }

    @Test func aRequestWaitsForTheProbe() {
        rig.redis.passesOnProbes = false
        rig.bringUp()
        let app = rig.connect()
        app.write(.subscribe(["a"], id: 1))
        rig.settle()
        #expect(rig.path.status.state == .degraded && app.takeLines() == [])
        rig.redis.passesOnProbes = true
        rig.event { rig.redisNode(0).machine.renewProbe() }
        rig.tick()
        rig.settle()
        #expect(rig.path.status.state == .up && app.takeLines() == ["status up", "1 ok"])
    }

    /// After a bad path only a probe could make the path receiving, and without a publish link there is no probe.
    @Test func nobodyWaitsForAProbeThatCannotCome() {
        rig.bringUp()
        giveUp()
        rig.openSubscribeLink()
        rig.settle()
        let app = rig.connect()
        app.write(.subscribe(["a"], id: 1))
        rig.settle()
        #expect(rig.path.status.state == .down && app.takeLines() == ["1 pending"])
    }

    @Test func whoWaitedForAProbeThatCannotComeAnyMoreIsAnswered() {
        rig.bringUp()
        giveUp()
        rig.redis.passesOnProbes = false
        rig.openPublishLink()
        rig.openSubscribeLink()
        rig.settle()
        let app = rig.connect()
        app.write(.subscribe(["a"], id: 1))
        rig.settle()
        #expect(app.takeLines() == [])
        rig.losePublishLink()
        rig.turn()
        #expect(app.takeLines() == ["1 pending"])
    }

    @Test func whoWaitedForAProbeIsAnsweredWhenTheSubscribeLinkIsLost() {
        rig.redis.passesOnProbes = false
        rig.bringUp()
        let app = rig.connect()
        app.write(.subscribe(["a"], id: 1))
        rig.settle()
        #expect(app.takeLines() == [])
        rig.loseSubscribeLink()
        rig.turn()
        #expect(app.takeAnswers() == ["1 pending"])
    }

    /// Two links were found to be bad together, one of them is left, and Redis takes nothing there.
    @Test func wherePublishesDoNotCountNobodyWaitsForRedisToTakeThem() {
        rig.bringUp()
        let app = rig.connect()
        app.write(.publish("a", "x", id: 1))
        rig.settle()
        rig.node.publishes.backlog = PublishQueue.highWater + 1
        rig.event { rig.redisNode(0).giveUp(failure, links: [rig.redisNode(0).subscribeLink]) }
        app.write(.publish("a", "x", id: 2))
        rig.turn()
        #expect(app.takeAnswers() == ["1 ok", "2 notConnected"] && rig.isPublishLinkUp(0))
    }

    @Test(arguments: [true, false]) func linksThatEndTogetherAreOneChange(hasProbes: Bool) {
        let rig = hasProbes ? rig : HubRig()
        rig.bringUp()
        let app = rig.connect()
        rig.event { rig.redisNode(0).giveUp(failure) }
        rig.turn()
        #expect(app.takeLines() == ["status down"] && rig.path.status.outages == 1)
    }

    @Test func withTheSubscribeLinkGonePublishesAreTaken() {
        rig.bringUp()
        let app = rig.connect()
        rig.loseSubscribeLink()
        app.write(.publish("a", "x", id: 1))
        rig.settle()
        #expect(app.takeLines() == ["status degraded", "1 ok"])
    }

    @Test func anAttemptThatFailsAsTheOneBeforeIsNotTold() {
        rig.bringUp()
        let app = rig.connect()
        giveUp()
        rig.turn()
        _ = app.takeFrames()
        let lines = rig.lines.count
        for _ in 0..<3 { rig.refuse(rig.redisNode(0).publishLink) }
        rig.turn()
        #expect(app.takeLines() == [] && rig.lines.count <= lines + 1)
    }

    @Test func anotherCauseIsLoggedAndNotTold() {
        rig.bringUp()
        let app = rig.connect()
        rig.losePublishLink()
        rig.turn()
        _ = app.takeFrames()
        rig.answersGreeting = { $0[0] == "PING" ? .error("NOAUTH Authentication required.") : nil }
        rig.attempt(rig.redisNode(0).publishLink)
        rig.turn()
        #expect(app.takeLines() == [])
        #expect(rig.lines.last?.message == "state changed" && rig.lines.last?.metadata["cause"] == "auth")
    }

    @Test func theTimeOfAnOutageIsForThoseWhoSawItsEnd() {
        rig.bringUp()
        let app = rig.connect()
        giveUp()
        rig.hub.now += 3_000_000_000
        rig.bringUp()
        #expect(app.takeFrames().last?.status.downMs == 3000)
        let late = rig.connect(hello: false)
        late.write(.hello())
        rig.turn()
        let welcome = late.takeFrames().first?.welcome
        #expect(welcome?.status.state == .up && welcome?.status.downMs == 0)
    }

    @Test func reloadingEndsTheWaitForTheNextAttempt() {
        var options = HubRig.Options()
        options.backoff = 1_000_000_000
        let rig = HubRig(options)
        let link = rig.redisNode(0).publishLink!
        rig.refuse(link)
        #expect(!rig.socket(of: link).isConnecting)
        rig.event { link.wake() }
        #expect(!rig.socket(of: link).isConnecting, "it is too early")
        rig.event { rig.upstream.reload() }
        rig.event { link.wake() }
        #expect(rig.socket(of: link).isConnecting)
    }
}

/// A relay that is configured not to wait for Redis.
@Suite struct ImpatientStartTests {
    private let rig: HubRig

    init() {
        var options = HubRig.Options()
        options.attemptsAtStart = 3
        rig = HubRig(options)
    }

    private var link: PublishLink { rig.redisNode(0).publishLink }

    @Test func itSaysThatItHasStartedOnceRedisIsThere() {
        #expect(rig.readies == 0)
        rig.openPublishLink()
        rig.turn()
        #expect(rig.readies == 0)
        rig.bringUp()
        #expect(rig.readies == 1)
        rig.loseBothLinks()
        rig.bringUp()
        #expect(rig.readies == 1)
    }

    @Test func itGivesUpAfterItsAttempts() {
        for _ in 0..<2 { rig.refuse(link) }
        #expect(rig.timesGivenUp == 0)
        rig.refuse(link)
        #expect(rig.timesGivenUp == 1)
    }

    @Test func notAfterTheStart() {
        rig.bringUp()
        rig.losePublishLink()
        for _ in 0..<5 { rig.refuse(link) }
        #expect(rig.timesGivenUp == 0)
    }

    @Test func notWhileItStops() {
        rig.event { rig.upstream.stop() }
        for _ in 0..<5 { rig.refuse(link) }
        #expect(rig.timesGivenUp == 0)
    }

    @Test func notForOneMemberOfAClusterWhileOthersLive() {
        var options = HubRig.Options()
        (options.attemptsAtStart, options.shards) = (3, 2)
        let rig = HubRig(options)
        rig.openPublishLink(0)
        for _ in 0..<5 { rig.refuse(rig.redisNode(1).publishLink) }
        #expect(rig.timesGivenUp == 0)
        rig.losePublishLink(0)
        rig.refuse(rig.redisNode(1).publishLink)
        #expect(rig.timesGivenUp == 1)
    }
}
