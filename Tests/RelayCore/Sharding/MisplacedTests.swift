import TestSupport
import Testing

@testable import RelayCore

/// Names that a node refuses because it does not have their slot.
@Suite struct MisplacedTests {
    private let rig = HubRig.cluster(["a"], ["b"], [])
    private let app: App

    init() {
        app = rig.connect()
        rig.bringUp()
        _ = app.takeFrames()
    }

    /// Asks the first node for names whose slot has another owner by now, and lets the node answer.
    private func ask(_ names: [String], id: UInt64 = 1, owner: Int?) {
        rig.give(names, to: owner)
        app.write(.subscribe(names, id: id))
        rig.turn()
        rig.answer(0)
    }

    @Test func whoWaitsIsAnsweredByTheOtherNode() {
        ask(["a", "{a}2"], owner: 1)
        #expect(app.takeLines() == [] && rig.isAtRest == false)
        rig.turn()
        #expect(rig.commands(0) == [] && rig.commands(1).joined(separator: ";").contains("ssubscribe a"))
        rig.settle()
        #expect(app.takeLines() == ["1 ok"] && rig.subscribed(1) == ["a", "{a}2"] && rig.isAtRest)
        #expect(rig.path.status.gaps == 0, "nothing was in force")
    }

    @Test func whatNobodyTakesIsPendingAtTheNextTickAndInForceLater() {
        ask(["a"], owner: nil)
        rig.settle()
        #expect(app.takeLines() == [] && rig.path.status.state == .up)
        rig.tick()
        rig.turn()
        #expect(app.takeLines() == ["status degraded", "1 pending"])
        rig.settle()
        rig.tick()
        #expect(app.takeLines() == [] && rig.hubNode(0).restoreRemaining == 1 && !rig.hubNode(0).isWhole)
        rig.give(["a"], to: 0)
        rig.settle()
        #expect(app.takeLines() == ["status up"] && rig.subscribed(0) == ["a"] && rig.isAtRest)
        #expect(rig.path.status.gaps == 0)
    }

    @Test func aNodeThatIsNotKnownYetIsFollowedOnceTheClusterWasLookedAt() {
        ask(["a"], owner: 3)
        rig.settle()
        #expect(app.takeLines() == [])
        rig.addNode()
        rig.bringUp()
        rig.give(["a"], to: 3)
        rig.see(["a"], at: 3)
        rig.settle()
        #expect(rig.subscribed(3) == ["a"] && app.takeAnswers() == ["1 ok"])
        rig.tick()
        #expect(rig.isAtRest, "what the first node's list says counts no more")
        rig.settle()
        #expect(rig.subscribed(0) == [])
    }

    @Test func anotherRequestAsksAtOnce() {
        ask(["a"], owner: nil)
        rig.give(["a"], to: 0)
        app.write(.subscribe(["a"], id: 2))
        rig.settle()
        #expect(app.takeLines() == ["1 ok", "2 ok"] && rig.subscribed(0) == ["a"])
        rig.tick()
        rig.turn()
        #expect(rig.commands(0) == [] && rig.isAtRest)
    }

    @Test func theyCanBeGivenUp() {
        ask(["a"], owner: nil)
        app.write(.unsubscribe(["a"], id: 2))
        rig.settle()
        rig.tick()
        rig.settle()
        #expect(app.takeAnswers() == ["1 pending", "2 ok"] && rig.hub.nameCount == 0 && rig.isAtRest)
        #expect(rig.path.status.state == .up && rig.hub.subscriptionCount == 0)
    }

    @Test func theirConnectionMayClose() {
        ask(["a"], owner: nil)
        app.close()
        #expect(rig.hub.nameCount == 0 && rig.hub.subscriptionCount == 0)
        let other = rig.connect()
        other.write(.subscribe(["b"], id: 1))  // the place in the table is used again
        rig.settle()
        rig.tick()
        rig.settle()
        #expect(other.takeLines() == ["1 ok"] && rig.subscribed(1) == ["b"] && rig.subscribed(0) == [] && rig.isAtRest)
    }

    @Test func aNodeThatIsLostForgetsThem() {
        ask(["a"], owner: nil)
        rig.loseSubscribeLink(0)
        rig.turn()
        #expect(app.takeAnswers() == ["1 pending"] && rig.hubNode(0).misplaced.isEmpty)
        rig.give(["a"], to: 0)
        rig.openSubscribeLink(0)
        rig.settle()
        #expect(rig.subscribed(0) == ["a"] && rig.isAtRest && rig.path.status.state == .up)
    }

    /// Only a name that is subscribed can break, and only once.
    @Test func brokenIsWhatWasInForce() {
        ask(["a"], owner: 1)
        rig.settle()
        #expect(rig.hub.takeBrokenSubscriptions() == false && rig.movedGaps == 0)
        rig.see(["a"], at: 2)
        #expect(rig.movedGaps == 1)
        rig.give(["a"], to: 2)
        rig.settle()
        #expect(rig.movedGaps == 1 && rig.subscribed(2) == ["a"] && rig.hub.takeBrokenSubscriptions() == false)
    }

    // MARK: Answers that make other names go

    /// Two names are in one command, and the second is asked for again, since the node has lost it. The answer about
    /// the first name has the effect that the second is given up, which is in the same list.
    private func loseBothUnderARequest(_ after: () -> Void) {
        app.write(.subscribe(["{a}2"], id: 1))
        rig.settle()
        rig.nodes[0].takesCommands = false
        app.write(.subscribe(["{a}1"], id: 2))
        after()
        rig.redis.unsubscribeByItself(rig.redisName("{a}2"))
        rig.answer(0)
        rig.turn()
        rig.answerRole(0)
        rig.nodes[0].takesCommands = true
        rig.turn()
        #expect(rig.commands(0) == ["ssubscribe {a}1 {a}2"])
        rig.give(["{a}"], to: 1)
        rig.loseSubscribeLink(1)
        rig.assignInHub(["{a}"], to: 1)
        rig.answer(0)
        rig.turn()
    }

    @Test func anAnswerMayEndTheConnectionThatHoldsTheNextName() {
        loseBothUnderARequest { app.shutDown() }
        #expect(app.takeAnswers() == ["1 ok", "2 pending"] && app.ending == .peace)
        app.close()
        #expect(rig.hub.nameCount == 0 && rig.hub.subscriptionCount == 0 && rig.isAtRest)
    }

    @Test func anAnswerMayLetAnUnsubscribeOfTheNextNameHaveItsTurn() {
        // The second request makes the third one wait.
        loseBothUnderARequest { app.write(.subscribe(["{a}1", "{a}2"], id: 3), .unsubscribe(["{a}2"], id: 4)) }
        #expect(app.takeAnswers() == ["1 ok", "2 pending", "3 pending", "4 ok"])
        #expect(rig.hub.nameCount == 1 && rig.hub.subscriptionCount == 1 && rig.isAtRest)
    }
}
