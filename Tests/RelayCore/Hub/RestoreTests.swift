import TestSupport
import Testing

@testable import RelayCore

/// Rule 6: what happens to subscriptions when the subscribe link is lost and comes back.
@Suite struct HubRestoreTests {
    private let rig = HubRig()

    private func hi(_ channels: String...) {
        for channel in channels { rig.publishElsewhere(channel) }
        rig.settle()
    }

    @Test func whileDetachedRequestsArePending() {
        let app = rig.connect()
        app.write(.subscribe(["a"], id: 1), .unsubscribe(["a"], id: 2), .subscribe(["b"], patterns: ["p*"], id: 3))
        rig.turn()
        #expect(app.takeLines() == ["1 pending", "2 ok", "3 pending"])
        rig.bringUp()
        #expect(rig.subscribedNames == ["b", "~p*"])
        hi("a", "b", "p1")
        #expect(app.takeAnswers() == ["b: hi", "p1 by p*: hi"])
    }

    @Test func inFlightRequestsArePendingAndInForceAfterwards() {
        rig.bringUp()
        for step in 0..<3 {
            let app = rig.connect()
            app.write(.subscribe(["a\(step)"], patterns: ["p\(step)*"], id: 1), .unsubscribe(["a\(step)"], id: 2))
            app.write(.subscribe(["b\(step)"], id: 3))
            if step > 0 { rig.turn() }
            if step > 1 {
                rig.redis.executeSubscribe()
                rig.readSubscribeReply()
            }
            rig.loseSubscribeLink()
            rig.turn()
            #expect(app.takeLines() == ["1 pending", "2 ok", "3 pending", "status degraded"])
            rig.bringUp()
            hi("a\(step)", "b\(step)", "p\(step)x")
            #expect(app.takeAnswers() == ["b\(step): hi", "p\(step)x by p\(step)*: hi"])
        }
    }

    @Test func everythingHeldIsRestoredBeforeUp() {
        rig.bringUp()
        let apps = (0..<10).map { _ in rig.connect() }
        for (number, app) in apps.enumerated() {
            app.write(.subscribe((0..<100).map { "c\(number * 50 + $0)" }, patterns: ["p\(number)"], id: 1))
        }
        rig.settle()
        let names = rig.subscribedNames
        rig.loseBothLinks()
        rig.turn()
        for app in apps { #expect(app.takeLines() == ["1 ok", "status degraded", "status down"]) }
        rig.openPublishLink()
        rig.openSubscribeLink()
        rig.turn()
        while !rig.redis.isIdle {
            #expect(rig.path.status.state == .degraded)
            rig.redis.executeSubscribe()
            while rig.readSubscribeReply() {}
        }
        #expect(rig.path.status.state == .up && rig.subscribedNames == names)
        #expect(rig.redis.commandSizes.allSatisfy { $0 <= 512 })
        rig.turn()
        for app in apps { #expect(app.takeLines() == ["status degraded", "status up"]) }
    }

    @Test func requestsDuringARestoreAreAnsweredWhenItIsOver() {
        let app = rig.connect()
        app.write(.subscribe(["a"], id: 0))
        rig.openSubscribeLink()
        rig.turn()
        // Requests for a name that is being restored, for a new one, and for both.
        app.write(.subscribe(["a"], id: 1), .subscribe(["b"], id: 2), .subscribe(["a", "b"], id: 3), .ping(id: 4))
        rig.turn()
        #expect(app.takeLines() == ["4 ok"])
        rig.settle()
        #expect(app.takeAnswers() == ["1 ok", "2 ok", "3 ok"])
        #expect(rig.hub.subscriptionCount == 2)
    }

    /// A new name that Redis confirms during a restore does not count as restored, and its request may outlast the
    /// restore.
    @Test func aRequestDuringARestoreMayOutlastIt() {
        let app = rig.connect()
        app.write(.subscribe(["a"], id: 0))
        rig.openSubscribeLink()
        rig.turn()
        app.write(.subscribe(["b"], id: 1))
        rig.turn()
        rig.redis.executeSubscribe()
        rig.readSubscribeReply()
        #expect(rig.redisNode(0).machine.receiving)
        rig.turn()
        #expect(app.takeAnswers() == [])
        rig.settle()
        #expect(app.takeAnswers() == ["1 ok"])
    }

    @Test func unsubscribedDuringARestoreIsGoneForGood() {
        for step in 0..<4 {
            let rig = HubRig()
            let (app, other) = (rig.connect(), rig.connect())
            app.write(.subscribe(["a", "b"], id: 0))
            other.write(.subscribe(["b"], id: 0))
            rig.openSubscribeLink()
            if step > 0 { rig.turn() }
            if step > 1 { rig.redis.executeSubscribe() }
            if step > 2 { rig.readSubscribeReply() }
            app.write(.unsubscribe(["a", "b"], id: 1))
            rig.turn()
            #expect(app.takeAnswers() == ["1 ok"], "at once, step \(step)")
            rig.settle()
            #expect(rig.subscribedNames == ["b"] && rig.redisNode(0).machine.receiving && rig.hub.nameCount == 1)
        }
    }

    @Test func givenUpAndAskedForAgainDuringARestore() {
        let app = rig.connect()
        app.write(.subscribe(["a"], id: 0))
        rig.openSubscribeLink()
        rig.turn()
        app.write(.unsubscribe(["a"], id: 1), .subscribe(["a"], id: 2))
        rig.settle()
        #expect(app.takeAnswers() == ["1 ok", "2 ok"] && rig.subscribedNames == ["a"])
        hi("a")
        #expect(app.takeAnswers() == ["a: hi"])
    }

    @Test func theLinkMayFailAgainAtAnyMomentOfARestore() {
        for moment in 0...12 {
            let rig = HubRig(
                {
                    var options = HubRig.Options()
                    options.restoreBatch = 2
                    return options
                }())
            let app = rig.connect()
            app.write(.subscribe(["a", "b", "c", "d"], patterns: ["p*"], id: 0))
            rig.openSubscribeLink()
            for step in 0..<moment {
                if step == 0 { rig.turn() }
                if step % 3 == 0 { rig.redis.executeSubscribe() } else { rig.readSubscribeReply() }
                if step == 4 { app.write(.subscribe(["e"], id: 1), .unsubscribe(["a"], id: 2)) }
            }
            rig.loseSubscribeLink()
            rig.bringUp()
            let isAsked = moment > 4
            #expect(rig.subscribedNames == (isAsked ? ["b", "c", "d", "e"] : ["a", "b", "c", "d"]) + ["~p*"])
            let answers = app.takeAnswers()
            #expect(isAsked ? Set(answers) == ["1 pending", "2 ok"] || answers == ["2 ok", "1 ok"] : answers == [])
        }
    }

    @Test func nothingHeldIsRestoredAtOnce() {
        rig.openSubscribeLink()
        #expect(rig.redisNode(0).machine.receiving)
        let app = rig.connect()
        app.write(.subscribe(["a"], id: 1))
        rig.settle()
        #expect(app.takeAnswers() == ["1 ok"])
    }
}
