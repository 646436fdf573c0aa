import TestSupport
import Testing

@testable import RelayCore

/// Names that are given up, and requests that are answered, while slots go to other nodes; and nodes that come and go.
@Suite struct MovedRequestsTests {
    private let rig: HubRig
    private let app: App

    init() { (rig, app) = HubRig.threeNodes() }

    // MARK: Given up

    @Test func whatNobodyWantsIsForgottenOnTheWay() {
        app.write(.subscribe(["a"], id: 1))
        rig.settle()
        rig.nodes[0].takesCommands = false
        app.write(.unsubscribe(["a"], id: 2))
        rig.turn()
        rig.move(["a"], to: 1)
        rig.nodes[0].takesCommands = true
        rig.turn()
        #expect(rig.commands(0) == [] && rig.commands(1) == [])
        rig.settle()
        #expect(rig.hub.nameCount == 0 && rig.subscribed(0) == [] && rig.path.status.gaps == 0 && rig.isAtRest)
    }

    @Test func itMayBeGivenUpBeforeTheOtherNodeHasIt() {
        app.write(.subscribe(["a"], id: 1))
        rig.settle()
        rig.see(["a"], at: 1)
        app.write(.unsubscribe(["a"], id: 2))
        rig.turn()
        #expect(rig.commands(1) == [] && rig.hubNode(1).restoreRemaining == 0 && rig.path.status.state == .up)
        #expect(rig.hub.nameCount == 0 && rig.isAtRest)
    }

    @Test func itsConnectionMayCloseWhileItIsAskedFor() {
        app.write(.subscribe(["a"], id: 1))
        rig.turn()
        rig.see(["a"], at: 1)
        app.close()
        rig.answer(0)
        #expect(rig.hub.nameCount == 0 && rig.hub.subscriptionCount == 0)
        rig.give(["a"], to: 1)
        rig.settle()
        #expect(rig.subscribed(0) == [] && rig.subscribed(1) == [] && rig.isAtRest)
    }

    /// A name has gone, and the table uses its place again, while lists of nodes still have that place.
    @Test func whatListsStillHaveIsNotTheNameThatComesAfter() {
        rig.loseSubscribeLink(1)
        rig.nodes[0].takesCommands = false
        app.write(.subscribe(["a"], id: 1))
        rig.turn()
        rig.move(["a"], to: 1)
        let other = rig.connect()
        app.close()
        #expect(rig.hub.nameCount == 0)
        other.write(.subscribe(["c"], id: 1))
        rig.nodes[0].takesCommands = true
        rig.turn()
        #expect(rig.commands(0) == [] && rig.commands(2) == ["ssubscribe c"])
        rig.settle()
        #expect(other.takeLines() == ["1 ok"] && rig.subscribed(2) == ["c"] && rig.isAtRest)
    }

    // MARK: Answers

    @Test func requestsOfAConnectionAreAnsweredInOrderOverAllNodes() {
        app.write(
            .subscribe(["a", "b", "c"], id: 1), .subscribe(["c"], id: 2), .unsubscribe(["b"], id: 3),
            .subscribe(["b"], id: 4), .subscribe(["c2"], id: 5))
        rig.turn()
        rig.see(["a"], at: 2)
        rig.answer(2)
        rig.answer(1)
        rig.turn()
        #expect(app.takeLines() == [])
        rig.give(["a"], to: 2)
        rig.settle()
        #expect(app.takeLines() == (1...5).map { "\($0) ok" } && rig.subscribed(2) == ["a", "c"] && rig.isAtRest)
    }

    /// The connection is not subscribed yet when its name moves, so nothing breaks. The answer makes it hold the name.
    @Test func aNameThatMovesBetweenItsConfirmationAndTheAnswerIsMissedUntilItIsConfirmedAgain() {
        app.write(.subscribe(["a", "b"], id: 1))
        rig.turn()
        rig.answer(0)
        rig.move(["a"], to: 2)
        #expect(rig.path.status.gaps == 0)
        rig.answer(1)
        rig.turn()
        rig.turn()
        #expect(app.takeLines() == ["1 pending", "status degraded"])
        #expect(rig.hubNode(2).restoreRemaining == 1)
        rig.settle()
        #expect(app.takeLines() == ["status up"] && rig.subscribed(2) == ["a"] && rig.isAtRest)
    }

    /// The answer about one name gives up other names, which would have been moved next.
    @Test(arguments: [false, true])
    func aLookAtTheClusterMayGiveUpOtherNames(ends: Bool) {
        // Many, since the order in which names are moved is the table's.
        let (waiting, absent) = (["w"], (0..<31).map { "y\($0)" })
        let rig = HubRig.cluster(waiting, absent, [])
        rig.bringUp()
        rig.loseSubscribeLink(1)
        rig.loseSubscribeLink(2)
        let app = rig.connect()
        rig.nodes[0].takesCommands = false
        app.write(.subscribe(waiting + absent, id: 1))
        if ends { app.shutDown() } else { app.write(.unsubscribe(waiting + absent, id: 2)) }
        rig.turn()
        rig.give(waiting + absent, to: 2)
        rig.see(waiting + absent, at: 2)
        rig.turn()
        #expect(app.takeAnswers() == ["1 pending"] + (ends ? [] : ["2 ok"]))
        #expect(rig.hub.nameCount == 0 && rig.hub.subscriptionCount == 0 && rig.booksAreRight)
    }

    // MARK: Nodes

    @Test func aNodeThatHasGoneMakesRoomForAnother() {
        let index = rig.hubNode(2).index
        app.write(.subscribe(["c"], id: 1), .publish("c", "x", id: 2))
        rig.turn()
        rig.see(["c"], at: 0)
        rig.give(["c"], to: 0)
        rig.removeLastNode()
        rig.settle()
        #expect(Set(app.takeAnswers()) == ["1 pending", "2 interrupted"] && rig.subscribed(0) == ["c"])
        rig.addNode()
        #expect(rig.hubNode(2).index == index && rig.hub.nodes.count == 4)
        rig.bringUp()
        rig.give(["c", "d"], to: 2)
        rig.see(["c", "d"], at: 2)
        app.write(.subscribe(["d"], id: 3), .publish("d", "x", id: 4))
        rig.settle()
        #expect(Set(app.takeAnswers()).isSuperset(of: ["3 ok"]) && rig.subscribed(2) == ["c", "d"] && rig.isAtRest)
        rig.holdDownEnds()
        #expect(rig.nodes[2].redis.published.count == 1 && rig.path.status.state == .up)
    }

    @Test func aRestoreThatNamesLeaveIsOverSooner() {
        app.write(.subscribe(["a", "a2"], id: 1))
        rig.settle()
        rig.loseSubscribeLink(0)
        rig.openSubscribeLink(0)
        rig.nodes[0].takesCommands = false
        app.write(.subscribe(["a3"], id: 2))
        #expect(rig.hubNode(0).restoreRemaining == 2 && !rig.hubNode(0).isWhole)
        rig.see(["a", "a2"], at: 1)
        #expect(rig.hubNode(0).restoreRemaining == 0 && rig.hubNode(1).restoreRemaining == 2 && rig.booksAreRight)
        rig.give(["a", "a2"], to: 1)
        rig.nodes[0].takesCommands = true
        rig.settle()
        #expect(app.takeAnswers() == ["1 ok", "2 ok"] && rig.subscribed(1) == ["a", "a2"] && rig.isAtRest)
        #expect(rig.path.status.gaps == 1, "the link's loss alone")
    }
}
