import RESP
import TestSupport
import Testing

@testable import RelayCore

/// A node unsubscribes us from names by itself when it loses their slot. These pushes look like the confirmations of
/// our own SUNSUBSCRIBE. So the SUNSUBSCRIBE ends only with the answer to the PING after it.
@Suite struct LostSlotTests {
    private let rig = HubRig.cluster(["a", "a2"], ["b"])
    private let app: App

    init() {
        app = rig.connect()
        rig.bringUp()
        app.write(.subscribe(["a", "a2", "b"], id: 1))
        rig.settle()
        _ = app.takeFrames()
        for node in rig.nodes { node.redis.rolesAsked = 0 }
    }

    // MARK: What was not asked for

    @Test func aNameThatIsLostIsAskedForOnceMoreAndFollowed() {
        rig.give(["a"], to: 1)
        rig.readSubscribeReply(0)
        rig.turn()
        #expect(rig.path.status.gaps == 1 && rig.path.status.state == .degraded)
        #expect(rig.commands(0) == [], "it is asked for its role first")
        rig.answerRole(0)
        rig.turn()
        #expect(rig.commands(0) == ["ssubscribe a"])
        rig.settle()
        #expect(rig.subscribed(0) == ["a2"] && rig.subscribed(1) == ["a", "b"])
        rig.holdDownEnds()
        #expect(app.takeLines() == ["status degraded", "status up"])
        #expect(rig.path.status.gaps == 1 && rig.isAtRest)
        rig.nodes[1].redis.publish(Array("app:a".utf8), Array("x".utf8))
        rig.settle()
        #expect(app.takeLines() == ["a: x"])
    }

    @Test func itMayHaveBeenAMistake() {
        rig.redis.unsubscribeByItself(rig.redisName("a"))
        rig.settle()
        #expect(rig.subscribed(0) == ["a", "a2"] && rig.isAtRest)
        #expect(app.takeLines() == ["status degraded", "status up"] && rig.path.status.gaps == 1)
    }

    @Test func oneThatIsNoMasterAnyMoreIsGivenTime() {
        rig.redis.roleName = "slave"
        rig.redis.unsubscribeByItself(rig.redisName("a"))
        rig.settle()
        #expect(rig.subscribed(0) == ["a2"] && rig.path.status.state == .degraded && rig.path.status.gaps == 1)
        rig.redis.roleName = "master"
        rig.tick()
        rig.settle()
        #expect(rig.subscribed(0) == ["a", "a2"] && rig.path.status.state == .up && rig.isAtRest)
    }

    @Test func whileItIsBeingAskedForTheAnswerTells() {
        app.write(.subscribe(["{a}3"], id: 2))
        rig.turn()
        rig.redis.unsubscribeByItself(rig.redisName("{a}3"))
        rig.settle()
        #expect(app.takeLines() == ["2 ok"] && rig.redis.rolesAsked == 0 && rig.path.status.gaps == 0)
        #expect(rig.subscribed(0) == ["a", "a2", "{a}3"])
    }

    @Test func namesThatAreUnknownOrElsewhereAreNoneOfOurs() {
        for name in ["app:c", "app:b", "other:a", "ap", "", "app:"] {
            let meaning = lending(name) { rig.hub.unsubscribed(redisName: $0, by: rig.hubNode(0)) }
            #expect(meaning == .none, "\(name)")
        }
        rig.settle()
        #expect(rig.path.status.state == .up && rig.path.status.gaps == 0 && rig.subscribed(1) == ["b"])
    }

    @Test func theProbesChannelIsToldApart() {
        let channel = rig.redisNode(0).probeChannel
        rig.redis.unsubscribeByItself(rig.redisName(channel))
        rig.settle()
        #expect(rig.redis.rolesAsked == 0 && rig.path.status.state == .up)
        rig.tick()
        #expect(rig.redisNode(0).probeChannel != channel, "another one is tried")
    }

    @Test func aNameThatNobodyWantsAnyMoreIsGone() {
        rig.nodes[0].takesCommands = false
        app.write(.unsubscribe(["a"], id: 2))
        rig.turn()
        rig.redis.unsubscribeByItself(rig.redisName("a"))
        rig.answer(0)
        rig.nodes[0].takesCommands = true
        rig.turn()
        #expect(rig.commands(0) == [] && rig.hub.nameCount == 2 && rig.path.status.gaps == 0 && rig.isAtRest)
    }

    // MARK: Our own SUNSUBSCRIBE

    @Test func itEndsWithTheAnswerToThePing() {
        app.write(.unsubscribe(["a"], id: 2))
        rig.turn()
        #expect(rig.commands(0) == ["sunsubscribe a", "ping"])
        rig.redis.executeSubscribe()
        rig.answerNothingButConfirmations(0)
        app.write(.subscribe(["a"], id: 3))
        rig.turn()
        #expect(rig.commands(0) == ["ping"] && app.takeAnswers() == ["2 ok"])
        rig.settle()
        #expect(app.takeAnswers() == ["3 ok"] && rig.subscribed(0) == ["a", "a2"] && rig.isAtRest)
        #expect(rig.path.status.gaps == 0 && rig.hubNode(0).pingsAnswered == 0)
    }

    @Test func anErrorEndsItAsWell() {
        app.write(.unsubscribe(["a"], id: 2))
        rig.turn()
        rig.give(["a"], to: 1)
        #expect(rig.redis.subscribeReplies == [.confirmed(.sunsubscribe, Array("app:a".utf8))], "the push")
        rig.settle()
        #expect(rig.hub.nameCount == 2 && rig.isAtRest && rig.path.status.gaps == 0 && rig.redis.rolesAsked == 0)
        app.write(.subscribe(["a"], id: 3))
        rig.settle()
        #expect(app.takeAnswers() == ["2 ok", "3 ok"] && rig.subscribed(1) == ["a", "b"])
    }

    @Test func pushesOfTheSameNameMayComeBeforeAndAfter() {
        app.write(.unsubscribe(["a"], id: 2))
        rig.turn()
        rig.redis.unsubscribeByItself(rig.redisName("a"))
        rig.redis.executeSubscribe()
        rig.redis.unsubscribeByItself(rig.redisName("a"))
        rig.answer(0)
        rig.redis.unsubscribeByItself(rig.redisName("a"))
        rig.settle()
        #expect(rig.hub.nameCount == 2 && rig.isAtRest && rig.redis.rolesAsked == 0 && rig.path.status.state == .up)
    }

    @Test func heartbeatsAreCountedApart() {
        rig.hubNode(0).sentPing()
        rig.redis.receiveSubscriberPing()
        app.write(.unsubscribe(["a", "a2"], id: 2))
        rig.turn()
        rig.hubNode(0).sentPing()
        rig.redis.receiveSubscriberPing()
        #expect(rig.commands(0) == ["ping", "sunsubscribe a", "ping", "sunsubscribe a2", "ping", "ping"])
        rig.settle()
        #expect(rig.hubNode(0).pingsAnswered == 2 && rig.hub.nameCount == 1 && rig.isAtRest)
        #expect(rig.hub.pongReceived(from: rig.hubNode(0)) == .violation("a PONG that was not requested"))
    }

    @Test func aSlotLostUnderASUNSUBSCRIBEMovesWhatIsWantedAgain() {
        app.write(.unsubscribe(["a"], id: 2))
        rig.turn()
        app.write(.subscribe(["a"], id: 3))
        rig.give(["a"], to: 1)
        rig.see(["a"], at: 1)
        rig.settle()
        #expect(app.takeAnswers() == ["2 ok", "3 ok"] && rig.subscribed(1) == ["a", "b"] && rig.isAtRest)
        #expect(rig.path.status.gaps == 0)
    }
}

extension HubRig {
    /// A node answers what the relay asks on the publish link.
    func answerRole(_ number: Int) {
        while !nodes[number].redis.publishCommands.isEmpty { nodes[number].redis.executePublish() }
        while readPublishReply(number) {}
    }

    /// The relay reads confirmations of a node, up to the first reply of another kind.
    func answerNothingButConfirmations(_ number: Int) {
        while case .confirmed? = nodes[number].redis.subscribeReplies.first { readSubscribeReply(number) }
    }
}
