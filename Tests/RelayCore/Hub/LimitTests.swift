import TestSupport
import Testing

@testable import RelayCore

/// LIMIT: the request has no effect, and the connection lives on.
@Suite struct HubLimitTests {
    private func rig(total: Int = 100, own: Int = 100) -> HubRig {
        var options = HubRig.Options()
        (options.maxSubscriptions, options.maxSubscriptionsPerConnection) = (total, own)
        let rig = HubRig(options)
        rig.bringUp()
        return rig
    }

    @Test func aConnectionMayHaveSoMany() {
        let rig = rig(own: 3)
        let app = rig.connect()
        app.write(.subscribe(["a", "b"], patterns: ["c"], id: 1), .subscribe(["d"], id: 2))
        rig.settle()
        #expect(app.takeLines() == ["2 limit", "1 ok"])
        app.write(.subscribe(["a", "b"], patterns: ["c"], id: 3), .unsubscribe(["a"], id: 4), .subscribe(["d"], id: 5))
        rig.settle()
        #expect(app.takeLines() == ["3 ok", "4 ok", "5 ok"])
        #expect(rig.subscribedNames == ["b", "d", "~c"] && rig.hub.subscriptionCount == 3)
    }

    @Test func allConnectionsTogetherMayHaveSoMany() {
        let rig = rig(total: 3)
        let (one, other) = (rig.connect(), rig.connect())
        one.write(.subscribe(["a", "b"], id: 1))
        other.write(.subscribe(["a", "b"], id: 1))
        rig.settle()
        #expect(one.takeLines() == ["1 ok"] && other.takeLines() == ["1 limit"])
        other.write(.subscribe(["a"], id: 2))
        rig.settle()
        #expect(other.takeLines() == ["2 ok"] && rig.hub.subscriptionCount == 3)
        one.close()
        other.write(.subscribe(["b", "c"], id: 3))
        rig.settle()
        #expect(other.takeLines() == ["3 ok"])
    }

    @Test func theDetailSaysWhichLimit() {
        for (total, own, words) in [(2, 9, "of this relay"), (9, 2, "of this connection")] {
            let rig = rig(total: total, own: own)
            let app = rig.connect()
            app.write(.subscribe(["a", "b", "c"], id: 1))
            rig.turn()
            let detail = app.takeFrames().first?.reply.detail ?? ""
            #expect(detail.contains("2 subscriptions") && detail.contains(words), "\(detail)")
        }
    }

    @Test func aRequestOverTheLimitLeavesNothingBehind() {
        let rig = rig(own: 5)
        let app = rig.connect()
        app.write(.subscribe(["a", "b"], id: 1))
        rig.settle()
        let names = (0..<50).map { "n\($0)" }
        app.write(.subscribe(["a"] + names, id: 2))
        rig.turn()
        #expect(rig.hub.nameCount == 2 && rig.hub.subscriptionCount == 2)
        rig.settle()
        #expect(app.takeLines() == ["1 ok", "2 limit"] && rig.subscribedNames == ["a", "b"])
        rig.publishElsewhere("a")
        rig.settle()
        #expect(app.takeLines() == ["a: hi"], "names held before stay held")
    }

    @Test func unansweredRequestsCount() {
        let rig = rig(own: 2)
        let app = rig.connect()
        app.write(.subscribe(["a"], id: 1), .subscribe(["b"], id: 2), .subscribe(["c"], id: 3))
        rig.settle()
        #expect(app.takeLines() == ["3 limit", "1 ok", "2 ok"])
    }

    @Test func theLimitHoldsAlsoWhileDown() {
        let rig = HubRig(
            {
                var options = HubRig.Options()
                options.maxSubscriptionsPerConnection = 2
                return options
            }())
        let app = rig.connect()
        app.write(.subscribe(["a", "b"], id: 1), .subscribe(["c"], id: 2), .unsubscribe(["a"], id: 3))
        app.write(.subscribe(["c"], id: 4))
        rig.bringUp()
        #expect(app.takeAnswers() == ["1 pending", "2 limit", "3 ok", "4 pending"])
        #expect(rig.subscribedNames == ["b", "c"])
    }
}
