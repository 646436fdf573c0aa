import TestSupport
import Testing

@testable import RelayCore

/// A slot's publishes go to its new node once those at the former one are answered, or are given up.
@Suite struct SuccessionTests {
    private let rig = HubRig.cluster(["a", "b"], ["c"])
    private let app: App

    init() {
        rig.bringUp()
        app = rig.connect()
    }

    /// Two publishes are in flight at the first node when its slot of "a" goes to the second.
    private func moveInFlight() {
        app.write(.publish("a", "1", id: 1), .publish("a", "2", id: 2))
        rig.turn()
        rig.give(["a"], to: 1, knownTo: [1])
        rig.assignInHub(["a"], to: 1)
        app.write(.publish("a", "3", id: 3))
        rig.turn()
    }

    private func published(_ number: Int) -> [String] {
        rig.nodes[number].redis.published.map { String(decoding: $0.payload, as: UTF8.self) }
    }

    @Test func theFormerNodeAnswersFirst() {
        moveInFlight()
        #expect(rig.nodes[1].redis.publishCommands.isEmpty && rig.hub.isBlocked(app.connection))
        for _ in 0..<2 { rig.settle() }
        #expect(app.takeAnswers() == ["1 ok", "2 ok", "3 ok"])
        #expect(published(0) == ["1", "2"] && published(1) == ["3"] && !rig.hub.isBlocked(app.connection))
    }

    @Test func orItsLinkEnds() {
        moveInFlight()
        rig.losePublishLink(0)
        for _ in 0..<2 { rig.settle() }
        #expect(app.takeAnswers() == ["1 interrupted", "2 interrupted", "3 ok"] && published(1) == ["3"])
    }

    @Test func whoPublishesElsewhereDoesNotWait() {
        moveInFlight()
        let other = rig.connect()
        other.write(.publish("b", "4", id: 1))
        rig.turn()
        #expect(rig.nodes[0].redis.publishCommands.count == 3)
    }

    @Test func whatIsPublishedLaterAtTheFormerNodeHoldsUpNobody() {
        moveInFlight()
        let other = rig.connect()
        other.write(.publish("b", "4", id: 1))
        rig.turn()
        for _ in 0..<2 { rig.nodes[0].redis.executePublish() }
        while rig.readPublishReply(0) {}
        for _ in 0..<2 { rig.turn() }
        #expect(rig.nodes[1].redis.publishCommands.count == 1 && rig.nodes[0].redis.publishCommands.count == 1)
    }

    @Test func withNothingInFlightNothingWaits() {
        rig.give(["a"], to: 1)
        rig.assignInHub(["a"], to: 1)
        app.write(.publish("a", "1", id: 1))
        rig.turn()
        #expect(rig.nodes[1].redis.publishCommands.count == 1)
    }
}

/// What the answers after an SUNSUBSCRIBE mean: its own answers, and the answer to the PING that ends it.
@Suite struct FencedUnsubscribeTests {
    private let rig = HubRig.cluster(["a"], ["b"])
    private let app: App

    init() {
        rig.bringUp()
        app = rig.connect()
        app.write(.subscribe(["a"], id: 1))
        rig.settle()
        app.write(.unsubscribe(["a"], id: 2))
        rig.turn()
    }

    private func refused(_ text: String) -> Hub.SubscribeReply { rig.hub.subscribeRefused(text, by: rig.hubNode(0)) }

    @Test(arguments: [
        "MISCONF Redis is configured to save RDB snapshots", "MASTERDOWN Link with MASTER is down",
        "NOPERM User u has no permissions to run the 'ping' command",
    ])
    func aPingThatIsAnsweredWithAnErrorEndsIt(text: String) {
        #expect(refused(text) == .none)
        #expect(!rig.hubNode(0).hasUnansweredCommands && rig.hub.nameCount == 0)
    }

    @Test(arguments: [
        "MOVED 1 127.0.0.1:7001", "CLUSTERDOWN Hash slot not served",
        "NOPERM User u has no permissions to run the 'sunsubscribe' command",
    ])
    func itsOwnErrorDoesNot(text: String) {
        #expect(refused(text) == .none && rig.hubNode(0).hasUnansweredCommands)
        #expect(rig.hub.pongReceived(from: rig.hubNode(0)) == .none)
        #expect(!rig.hubNode(0).hasUnansweredCommands && rig.hub.nameCount == 0)
    }
}
