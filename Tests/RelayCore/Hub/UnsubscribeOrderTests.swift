import TestSupport
import Testing

@testable import RelayCore

/// Rule 5: an Unsubscribe takes effect when it is read, and is answered in its turn.
@Suite struct UnsubscribeOrderTests {
    private let rig = HubRig()

    init() { rig.bringUp() }

    @Test func anUnsubscribeOfSeveralTakesEffectAtOnceWhereNothingIsPending() {
        let app = rig.connect()
        app.write(.subscribe(["a"], id: 1))
        rig.settle()
        app.write(.subscribe(["b"], id: 2), .unsubscribe(["a", "b"], id: 3))
        rig.turn()
        rig.publishElsewhere("a")
        rig.settle()
        #expect(app.takeLines() == ["1 ok", "2 ok", "3 ok"] && rig.subscribedNames == [])
    }

    /// An Unsubscribe ends the subscriptions when it is read, however long its Reply has to wait for its turn.
    @Test func anUnsubscribeThatWaitsIsInForceAllTheSame() {
        let (app, other) = (rig.connect(), rig.connect())
        app.write(.subscribe(["a"], id: 1))
        rig.settle()
        app.write(.subscribe(["a", "b"], id: 2), .unsubscribe(["a", "b"], id: 3))
        other.write(.subscribe(["a"], id: 1))
        rig.publishElsewhere("a")
        rig.turn()
        while !rig.redis.subscribeCommands.isEmpty { rig.redis.executeSubscribe() }
        rig.readSubscribeReply()
        rig.turn()
        #expect(app.takeLines() == ["1 ok"] && other.takeLines() == ["1 ok", "a: hi"])
        rig.settle()
        #expect(app.takeLines() == ["2 ok", "3 ok"] && rig.subscribedNames == ["a"])
    }

    @Test func oneUnsubscribeDoesNotOvertakeAnotherOfTheSameChannel() {
        let app = rig.connect()
        app.write(.subscribe(["a"], id: 1))
        rig.settle()
        app.write(.subscribe(["b"], id: 2), .unsubscribe(["a", "a", "b"], id: 3), .unsubscribe(["a"], id: 4))
        app.write(.subscribe(["a"], id: 5))
        rig.turn()
        rig.publishElsewhere("a")
        rig.readSubscribeReply()
        rig.turn()
        #expect(app.takeLines() == ["1 ok"], "a is left at once")
        rig.settle()
        #expect(app.takeLines() == ["2 ok", "3 ok", "4 ok", "5 ok"] && rig.subscribedNames == ["a"])
    }

    /// Nobody on this host has ever held z, and yet the requests that name it stay in order.
    @Test func evenWhatIsNotHeldKeepsTheOrder() {
        let app = rig.connect()
        app.write(.subscribe(["a"], id: 1), .unsubscribe(["a", "z"], id: 2), .unsubscribe(["z"], id: 3))
        app.write(.subscribe(["z", ""], id: 4), .ping(id: 5))
        rig.settle()
        #expect(app.takeLines() == ["5 ok", "1 ok", "2 ok", "3 ok", "4 invalid"])
        app.write(.unsubscribe(["z"], id: 6))
        rig.turn()
        #expect(app.takeLines() == ["6 ok"])
    }

    @Test func anUnsubscribeDoesNotWaitForOtherConnections() {
        let (app, other) = (rig.connect(), rig.connect())
        app.write(.subscribe(["a"], id: 1))
        rig.settle()
        other.write(.subscribe(["a", "b"], id: 1))
        app.write(.unsubscribe(["a"], id: 2))
        rig.turn()
        #expect(app.takeLines() == ["1 ok", "2 ok"])
        rig.settle()
        #expect(other.takeLines() == ["1 ok"] && rig.subscribedNames == ["a", "b"])
    }
}
