import TestSupport
import Testing

@testable import RelayCore

/// What a relay reports, and what it waits for, when it stops.
@Suite struct UpstreamStoppingTests {
    private let rig = HubRig()

    init() { rig.bringUp() }

    @Test func everyConnectionIsTold() {
        let app = rig.connect()
        rig.event { rig.upstream.stop() }
        rig.turn()
        #expect(app.takeLines() == ["status stopping"] && !app.isEnded)
    }

    @Test func itHasStoppedOnceTheLastConnectionHasGone() {
        #expect(!rig.upstream.hasStopped, "nobody has asked it to stop")
        let app = rig.connect()
        rig.event { rig.upstream.stop() }
        #expect(!rig.upstream.hasStopped)
        app.close()
        #expect(rig.upstream.hasStopped)
    }

    @Test func whatConnectionsWroteIsWithRedisBefore() {
        let app = rig.connect()
        app.write(.publish("a", "x", id: 0))
        app.close()
        rig.turn()
        rig.event { rig.upstream.stop() }
        #expect(!rig.upstream.hasStopped)
        rig.settle()
        #expect(rig.upstream.hasStopped && rig.redis.published.count == 1)
    }

    @Test func alsoAtANodeThatHasNoSlotsAnyMore() {
        let rig = HubRig.cluster(["a"], ["b"], ["c"])
        rig.bringUp()
        let app = rig.connect()
        app.write(.publish("b", "x", id: 0))
        rig.turn()
        rig.failOver(1, to: 2)
        app.close()
        rig.event { rig.upstream.stop() }
        #expect(rig.upstream.cluster!.leaving.count == 1 && !rig.upstream.hasStopped)
        rig.settle()
        #expect(rig.upstream.hasStopped)
    }

    @Test func whatIsInFlightAtTheEndIsAnsweredAndNoOutageIsTold() {
        let app = rig.connect()
        app.write(.publish("a", "x", id: 1))
        rig.turn()
        rig.event { rig.upstream.end() }
        rig.flushApps()
        #expect(app.takeLines() == ["1 interrupted"] && rig.path.status.outages == 0)
    }

    @Test func linksThatAreLostMeanwhileAreNoOutage() {
        rig.event { rig.upstream.stop() }
        rig.loseBothLinks()
        #expect(rig.path.status.outages == 0 && rig.path.status.state == .stopping)
    }

    @Test func lossesThatWereHeldBackAreTold() {
        let app = rig.connect()
        rig.redis.refusesPublishes = true
        app.write(.publish("a", "x", id: 0))
        rig.settle()
        #expect(app.takeLines() == ["loss of 1 publishes, refused"])
        app.write(.publish("a", "x", id: 0))
        rig.turn()
        rig.event { rig.upstream.end() }
        rig.flushApps()
        #expect(app.takeLines() == ["loss of 1 unknown, stopping"])
    }

    @Test func changesThatWereNotLoggedAreCounted() {
        for _ in 0..<10 {
            rig.losePublishLink()
            rig.openPublishLink()
        }
        func summaries() -> Int { rig.lines.count { $0.message == "the state keeps changing" } }
        #expect(summaries() == 0)
        rig.event { rig.upstream.end() }
        #expect(summaries() == 1)
    }

    @Test func theEndComesOnce() {
        var disposals = 0
        rig.witness = { if case .dispose = $0 { disposals += 1 } }
        for _ in 0..<2 { rig.event { rig.upstream.end() } }
        #expect(disposals == 2, "one for each link")
    }
}
