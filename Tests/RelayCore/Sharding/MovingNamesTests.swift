import TestSupport
import Testing

@testable import RelayCore

/// Names whose slot goes to another node, whatever is unfinished for them.
@Suite struct MovingNamesTests {
    private let rig: HubRig
    private let app: App

    init() { (rig, app) = HubRig.threeNodes() }

    // MARK: In force

    @Test func whatIsInForceBreaksAndIsConfirmedAtTheOtherNode() {
        app.write(.subscribe(["a", "a2"], id: 1))
        rig.settle()
        rig.see(["a"], at: 1)
        #expect(rig.path.status.state == .degraded && rig.path.status.gaps == 1)
        #expect(rig.hubNode(1).restoreRemaining == 1 && rig.hubNode(0).isWhole && !rig.hubNode(1).isWhole)
        rig.give(["a"], to: 1)
        rig.settle()
        #expect(app.takeLines() == ["1 ok", "status degraded", "status up"])
        #expect(rig.subscribed(0) == ["a2"] && rig.subscribed(1) == ["a"] && rig.isAtRest)
        #expect(rig.path.status.gaps == 1, "the push of the former node is no second break")
    }

    @Test func severalAtOnceAreOneBreakAndTheOthersCarryOn() {
        app.write(.subscribe(["{a}1", "{a}2", "a", "b", "c"], id: 1))
        rig.settle()
        _ = app.takeFrames()
        rig.see(["{a}", "c"], at: 1)
        #expect(rig.path.status.gaps == 1 && rig.hubNode(1).restoreRemaining == 3)
        rig.publishElsewhere("a")
        rig.nodes[1].redis.publish(Array("app:b".utf8), Array("hi".utf8))
        rig.readSubscribeReply(0)
        rig.readSubscribeReply(1)
        rig.flushApps()
        #expect(app.takeAnswers() == ["a: hi", "b: hi"])
        rig.give(["{a}", "c"], to: 1)
        rig.settle()
        #expect(rig.subscribed(1) == ["b", "c", "{a}1", "{a}2"] && rig.path.status.gaps == 1 && rig.isAtRest)
    }

    @Test func messagesOfTheFormerNodeDoNotCount() {
        app.write(.subscribe(["a"], id: 1))
        rig.settle()
        rig.see(["a"], at: 1)
        let received = rig.hub.counters.messagesReceived
        rig.give(["a"], to: 1, knownTo: [1])
        rig.turn()
        rig.answer(1)
        rig.publishElsewhere("a", "old")
        rig.settle()
        rig.give(["a"], to: 1)
        rig.settle()
        rig.nodes[1].redis.publish(Array("app:a".utf8), Array("new".utf8))
        rig.settle()
        #expect(app.takeAnswers() == ["1 ok", "a: new"] && rig.hub.counters.messagesReceived == received + 1)
    }

    /// Unread messages on the first node's link are older than what the second node has sent.
    @Test func norDoThoseFromBeforeItWasElsewhere() {
        app.write(.subscribe(["a"], id: 1))
        rig.settle()
        rig.publishElsewhere("a", "1")
        rig.move(["a"], to: 1)
        rig.turn()
        rig.answer(1)
        rig.nodes[1].redis.publish(Array("app:a".utf8), Array("2".utf8))
        rig.answer(1)
        rig.move(["a"], to: 0)
        rig.settle()
        rig.publishElsewhere("a", "3")
        rig.settle()
        #expect(app.takeAnswers() == ["1 ok", "a: 2", "a: 3"] && rig.subscribed(0) == ["a"])
    }

    @Test func thereAndBackInOneTurnAsksOnce() {
        app.write(.subscribe(["a"], id: 1))
        rig.settle()
        for number in [1, 0, 2, 0, 1, 0] { rig.see(["a"], at: number) }
        rig.turn()
        #expect(rig.commands(0) == ["ssubscribe a"] && rig.commands(1) == [] && rig.commands(2) == [])
        rig.settle()
        #expect(rig.isAtRest && rig.path.status.state == .up)
    }

    // MARK: Under way

    @Test func whatIsQueuedIsAskedForAtTheOtherNodeAlone() {
        rig.nodes[0].takesCommands = false
        app.write(.subscribe(["a", "a2"], id: 1))
        rig.turn()
        rig.move(["a"], to: 1)
        rig.turn()
        rig.nodes[0].takesCommands = true
        rig.turn()
        #expect(rig.commands(0) == ["ssubscribe a2"] && rig.commands(1) == ["ssubscribe a"])
        rig.answer(1)
        rig.turn()
        #expect(app.takeLines() == [])
        rig.settle()
        #expect(app.takeLines() == ["1 ok"] && rig.isAtRest && rig.path.status.gaps == 0)
    }

    @Test func whatIsQueuedInARefusedBatchToo() {
        rig.redis.forbidden = [rig.redisName("{a}0")]
        app.write(.subscribe((0..<4).map { "{a}\($0)" }, id: 1), .subscribe(["a"], id: 2))
        rig.turn()
        rig.nodes[0].takesCommands = false
        rig.answer(0)
        #expect(rig.hubNode(0).hasRefusedBatches)
        rig.move(["{a}"], to: 1)
        rig.nodes[0].takesCommands = true
        rig.settle()
        #expect(app.takeLines() == ["1 ok", "2 ok"] && rig.subscribed(0) == ["a"])
        #expect(rig.subscribed(1) == ["{a}0", "{a}1", "{a}2", "{a}3"] && rig.isAtRest)
    }

    @Test func aCommandInFlightIsAnsweredFirst() {
        app.write(.subscribe(["a"], id: 1))
        rig.turn()
        rig.see(["a"], at: 1)
        rig.turn()
        #expect(rig.commands(1) == [])
        rig.answer(0)
        #expect(app.takeLines() == [] && rig.subscribed(0) == ["a"], "the first node has not heard of it")
        rig.give(["a"], to: 1)
        rig.settle()
        #expect(app.takeLines() == ["1 ok"] && rig.subscribed(1) == ["a"] && rig.subscribed(0) == [] && rig.isAtRest)
        #expect(rig.path.status.gaps == 0)
    }

    @Test func anUnsubscribeInFlightToo() {
        app.write(.subscribe(["a"], id: 1))
        rig.settle()
        app.write(.unsubscribe(["a"], id: 2))
        rig.turn()
        app.write(.subscribe(["a"], id: 3))
        rig.turn()
        rig.move(["a"], to: 1)
        rig.turn()
        #expect(rig.commands(1) == [])
        rig.settle()
        #expect(app.takeLines() == ["1 ok", "2 ok", "3 ok"] && rig.subscribed(1) == ["a"] && rig.isAtRest)
        #expect(rig.path.status.gaps == 0)
    }

    // MARK: To where no link is

    @Test func toANodeWithoutLinksItIsPending() {
        rig.loseSubscribeLink(1)
        _ = app.takeFrames()
        app.write(.subscribe(["a"], id: 1))
        rig.turn()
        rig.see(["a"], at: 1)
        #expect(rig.hubNode(1).restoreRemaining == 0)
        rig.give(["a"], to: 1)
        rig.settle()
        #expect(app.takeAnswers() == ["1 pending"])
        rig.openSubscribeLink(1)
        #expect(rig.hubNode(1).restoreRemaining == 1)
        rig.settle()
        #expect(app.takeLines().last == "status up" && rig.subscribed(1) == ["a"] && rig.isAtRest)
    }

    @Test func toNowhereItIsPending() {
        rig.nodes[0].takesCommands = false
        app.write(.subscribe(["a"], id: 1))
        rig.turn()
        rig.move(["a"], to: nil)
        rig.turn()
        #expect(app.takeLines() == ["status degraded", "1 pending"])
        rig.nodes[0].takesCommands = true
        rig.turn()
        #expect(rig.commands(0) == [] && rig.isAtRest)
        rig.move(["a"], to: 2)
        rig.settle()
        #expect(rig.subscribed(2) == ["a"] && rig.isAtRest)
    }

    @Test func aNodeThatIsLostGivesItsNamesToWhoHasTheirSlots() {
        app.write(.subscribe(["a", "b"], id: 1))
        rig.settle()
        rig.give(["a"], to: 1)
        rig.assignInHub(["a"], to: 1)
        rig.loseSubscribeLink(0)
        rig.settle()
        #expect(rig.subscribed(1) == ["a", "b"] && rig.hubNode(1).restoreRemaining == 0 && rig.booksAreRight)
        #expect(rig.movedGaps == 0 && rig.path.status.gaps == 1, "it is the link that broke")
    }
}
