import RESP
import TestSupport
import Testing

@testable import RelayCore

/// An answer on the subscribe link that does not belong to anything asked: the relay gives up the link.
@Suite struct SubscribeViolationTests {
    private let rig = HubRig()

    init() { rig.bringUp() }

    private func confirmed(_ verb: SubscribeVerb, _ name: String) -> Hub.SubscribeReply {
        lending(name) { rig.hub.confirmed(verb, redisName: $0, by: rig.node) }
    }

    private func isViolation(_ reply: Hub.SubscribeReply) -> Bool {
        if case .violation = reply { true } else { false }
    }

    @Test func answersToNothing() {
        #expect(isViolation(confirmed(.subscribe, "app:a")))
        #expect(isViolation(confirmed(.unsubscribe, "")))
        #expect(isViolation(rig.hub.pongReceived(from: rig.node)))
        #expect(isViolation(rig.hub.subscribeRefused("ERR", by: rig.node)))
    }

    @Test func anotherNameOrAnotherVerb() {
        for (verb, name) in [
            (SubscribeVerb.subscribe, "app:b"), (.psubscribe, "app:a"), (.unsubscribe, "app:a"), (.subscribe, "a"),
            (.subscribe, ""), (.subscribe, "app:aa"), (.subscribe, "app:"),
        ] {
            let rig = HubRig()
            rig.bringUp()
            rig.connect().write(.subscribe(["a"], id: 1))
            rig.flushSubscribes()
            let answer = lending(name) { rig.hub.confirmed(verb, redisName: $0, by: rig.node) }
            #expect(isViolation(answer), "\(verb) \(name)")
        }
    }

    @Test func namesOutOfOrder() {
        rig.connect().write(.subscribe(["a", "b"], id: 1))
        rig.flushSubscribes()
        #expect(isViolation(confirmed(.subscribe, "app:b")))
    }

    @Test func aPongInPlaceOfAConfirmation() {
        rig.connect().write(.subscribe(["a"], id: 1))
        rig.flushSubscribes()
        #expect(isViolation(rig.hub.pongReceived(from: rig.node)))
    }

    @Test func aConfirmationInPlaceOfAPong() {
        rig.node.sentPing()
        #expect(isViolation(confirmed(.subscribe, "app:a")))
    }

    @Test func anErrorInTheMiddleOfConfirmations() {
        rig.connect().write(.subscribe(["a", "b"], id: 1))
        rig.flushSubscribes()
        #expect(confirmed(.subscribe, "app:a") == .none)
        #expect(isViolation(rig.hub.subscribeRefused("ERR", by: rig.node)))
    }

    /// Whatever the violation was, everything is right again once the link has ended.
    @Test func theNextLinkBeginsAnew() {
        let app = rig.connect()
        app.write(.subscribe(["a", "b"], id: 1))
        rig.flushSubscribes()
        #expect(isViolation(confirmed(.subscribe, "app:b")))
        rig.loseSubscribeLink()
        rig.bringUp()
        #expect(app.takeAnswers() == ["1 pending"] && rig.subscribedNames == ["a", "b"])
    }

    // MARK: The link's own commands

    @Test func pingsAndTheProbeHaveTheirPlaceAmongTheCommands() {
        let app = rig.connect()
        rig.hub.beginRestore(rig.node, asksForProbe: true)
        #expect(rig.node.isSubscribeReplyOwed)
        app.write(.subscribe(["a"], id: 1))
        rig.flushSubscribes()
        rig.node.sentPing()
        #expect(confirmed(.subscribe, "app:__hubrelay:probe:test") == .probeSubscribed)
        #expect(confirmed(.subscribe, "app:a") == .none)
        #expect(rig.hub.pongReceived(from: rig.node) == .none)
        #expect(!rig.node.isSubscribeReplyOwed)
        rig.hub.goLiveIfWhole(rig.node)
        rig.redis.dropSubscribeLink()
        rig.turn()
        #expect(app.takeAnswers() == ["1 ok"])
    }

    @Test func aRefusedProbeIsNoRefusalOfNames() {
        rig.hub.beginRestore(rig.node, asksForProbe: true)
        #expect(rig.hub.subscribeRefused("NOPERM", by: rig.node) == .probeRefused("NOPERM"))
        rig.node.sentPing()
        #expect(rig.hub.subscribeRefused("MISCONF", by: rig.node) == .none, "an error to a PING is a sign of life")
    }
}
