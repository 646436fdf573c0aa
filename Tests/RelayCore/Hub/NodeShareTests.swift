import TestSupport
import Testing

@testable import RelayCore

/// Two nodes, each with its share of the names: those that begin with "b" belong to the second.
@Suite struct NodeShareTests {
    private let rig: HubRig

    init() {
        var options = HubRig.Options()
        options.shards = 2
        rig = HubRig(options)
        rig.assign(["b", "b1", "b2"], to: 1)
    }

    private func subscribed(_ number: Int) -> Set<String> {
        Set(rig.nodes[number].redis.subscribed.map { String(decoding: $0.bytes.dropFirst(4), as: UTF8.self) })
    }

    /// The first node's Redis carries out one command, and the relay reads the answers.
    private func answerFirstNode() {
        rig.nodes[0].redis.executeSubscribe()
        while rig.readSubscribeReply(0) {}
    }

    @Test func namesAndPublishesGoToTheirNode() {
        let app = rig.connect()
        rig.bringUp()
        app.write(.subscribe(["a1", "b1", "a2"], id: 1))
        rig.settle()
        app.write(.publish("a1", "x", id: 2), .publish("b1", "y", id: 3))
        rig.settle()
        #expect(subscribed(0) == ["a1", "a2"] && subscribed(1) == ["b1"])
        #expect(rig.nodes.map { $0.redis.published.map { $0.payload } } == [[Array("x".utf8)], [Array("y".utf8)]])
        #expect(Set(app.takeAnswers()) == ["1 ok", "2 ok by 1", "3 ok by 1", "a1: x", "b1: y"])
    }

    @Test func aRequestOverBothWaitsForBoth() {
        let app = rig.connect()
        rig.bringUp()
        app.write(.subscribe(["a", "b"], id: 1))
        rig.turn()
        answerFirstNode()
        rig.turn()
        #expect(app.takeAnswers().isEmpty)
        rig.settle()
        #expect(app.takeAnswers() == ["1 ok"])
    }

    @Test func aNodeThatIsAwayMakesItsNamesPendingAndNoOthers() {
        let app = rig.connect()
        rig.bringUp()
        rig.loseSubscribeLink(1)
        #expect(rig.path.status.state == .degraded && rig.path.status.gaps == 1)
        app.write(.subscribe(["a"], id: 1), .subscribe(["b"], id: 2), .subscribe(["a2", "b2"], id: 3))
        rig.settle()
        #expect(Set(app.takeAnswers()) == ["1 ok", "2 pending", "3 pending"])
        #expect(subscribed(0) == ["a", "a2"] && subscribed(1) == [])
        rig.openSubscribeLink(1)
        rig.settle()
        #expect(subscribed(1) == ["b", "b2"] && rig.path.status.state == .up)
    }

    @Test func aNodeThatIsLostTakesWithItOnlyWhatWaitedForIt() {
        let app = rig.connect()
        rig.bringUp()
        app.write(.subscribe(["a", "b"], id: 1), .subscribe(["a"], id: 2), .subscribe(["b"], id: 3))
        rig.turn()
        rig.loseSubscribeLink(1)
        rig.turn()
        #expect(app.takeAnswers().isEmpty, "the first still waits for the other node, and the rest for the first")
        rig.settle()
        #expect(app.takeAnswers() == ["1 pending", "2 ok", "3 pending"])
        #expect(subscribed(0) == ["a"])
    }

    @Test func aNameThatWasConfirmedAndIsLostBeforeTheAnswerIsPending() {
        let app = rig.connect()
        rig.bringUp()
        app.write(.subscribe(["a", "b"], id: 1))
        rig.turn()
        answerFirstNode()
        rig.loseSubscribeLink(0)
        rig.settle()
        #expect(app.takeAnswers() == ["1 pending"])
    }

    @Test func aNodeThatIsBackBeforeTheAnswerMakesItOK() {
        let app = rig.connect()
        rig.bringUp()
        rig.loseSubscribeLink(0)
        app.write(.subscribe(["a", "b"], id: 1))
        rig.turn()
        rig.openSubscribeLink(0)
        rig.turn()
        answerFirstNode()
        #expect(app.takeAnswers() == [] && rig.redisNode(0).machine.receiving)
        rig.settle()
        #expect(app.takeAnswers() == ["1 ok"])
    }

    @Test func anotherNodeThatCannotPublishIsTold() {
        let app = rig.connect()
        rig.bringUp()
        rig.losePublishLink(0)
        rig.turn()
        _ = app.takeFrames()
        rig.losePublishLink(1)
        rig.turn()
        #expect(app.takeLines() == ["status degraded"])
    }

    @Test func onlyTheLostNodesPublishesAreInterrupted() {
        let app = rig.connect()
        rig.bringUp()
        app.write(.publish("a", "x", id: 1), .publish("b", "y", id: 2))
        rig.turn()
        rig.losePublishLink(1)
        rig.turn()
        #expect(app.takeAnswers() == ["2 interrupted"])
        app.write(.publish("a", "x", id: 3), .publish("b", "y", id: 4))
        rig.settle()
        #expect(Set(app.takeAnswers()) == ["1 ok", "3 ok", "4 notConnected"])
    }

    @Test func aRestoreOfOneNodeHoldsUpOnlyRequestsThatConcernIt() {
        let app = rig.connect()
        rig.bringUp()
        app.write(.subscribe(["b"], id: 1))
        rig.settle()
        rig.loseSubscribeLink(1)
        rig.openSubscribeLink(1)
        _ = app.takeFrames()
        app.write(.subscribe(["a"], id: 2))
        rig.turn()
        answerFirstNode()
        rig.turn()
        #expect(app.takeAnswers() == ["2 ok"])
        app.write(.subscribe(["a"], id: 3), .subscribe(["b2"], id: 4))
        rig.turn()
        #expect(app.takeAnswers() == ["3 ok"])
        rig.settle()
        #expect(app.takeAnswers() == ["4 ok"] && subscribed(1) == ["b", "b2"])
    }
}
