import TestSupport
import Testing

@testable import RelayCore

/// Subscribe requests are counted by their outcome, whether or not the app wanted a Reply.
@Suite struct HubSubscribeOutcomeTests {
    private func rig() -> HubRig {
        var options = HubRig.Options()
        options.maxSubscriptionsPerConnection = 3
        let rig = HubRig(options)
        rig.bringUp()
        return rig
    }

    private func counts(_ rig: HubRig) -> [Outcome: UInt64] {
        var counts: [Outcome: UInt64] = [:]
        for outcome: Outcome in [.ok, .pending, .notConnected, .interrupted, .refused, .invalid, .limit]
        where rig.hub.counters.subscribes[outcome] > 0 {
            counts[outcome] = rig.hub.counters.subscribes[outcome]
        }
        return counts
    }

    @Test(arguments: [0, 1] as [UInt64]) func everyOutcomeIsCounted(id: UInt64) {
        let rig = rig()
        let app = rig.connect()
        app.write(.subscribe(["a"], id: id))
        rig.settle()
        #expect(counts(rig) == [.ok: 1])
        rig.redis.forbidden = [rig.redisName("bad")]
        app.write(.subscribe(["bad"], id: id), .subscribe([""], id: id), .subscribe(["b", "c", "d"], id: id))
        rig.settle()
        #expect(counts(rig) == [.ok: 1, .refused: 1, .invalid: 1, .limit: 1])
        rig.loseBothLinks()
        app.write(.subscribe(["e"], id: id))
        rig.settle()
        #expect(counts(rig) == [.ok: 1, .refused: 1, .invalid: 1, .limit: 1, .pending: 1])
    }

    @Test func anUnsubscribeIsNoSubscribe() {
        let rig = rig()
        let app = rig.connect()
        app.write(.unsubscribe(["a"], id: 1), .unsubscribe([""], id: 2))
        rig.settle()
        #expect(app.takeLines().count == 2)
        #expect(counts(rig) == [:])
    }

    @Test func attemptsToConnectAreCountedByLink() {
        let rig = rig()
        #expect(LinkKind.allCases.map { rig.hub.counters.connectionAttempts[$0] } == [1, 1, 0, 0])
        rig.losePublishLink()
        rig.openPublishLink()
        #expect(LinkKind.allCases.map { rig.hub.counters.connectionAttempts[$0] } == [2, 1, 0, 0])
    }
}
