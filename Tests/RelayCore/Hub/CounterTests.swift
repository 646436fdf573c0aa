import TestSupport
import Testing

@testable import RelayCore

/// What /metrics counts.
@Suite struct CounterTests {
    private let rig = HubRig()
    private let app: App

    init() {
        rig.bringUp()
        app = rig.connect()
    }

    private var counters: Counters { rig.hub.counters }

    @Test func publishesByWhatBecameOfThem() {
        app.write(.publish("a", "x", id: 1), .publish("a", "x", id: 0), .publish("a", "x", id: 0))
        rig.settle()
        rig.redis.refusesPublishes = true
        app.write(.publish("a", "x", id: 2), .publish("a", "x", id: 0))
        rig.settle()
        rig.losePublishLink()
        app.write(.publish("a", "x", id: 3), .publish("a", "x", id: 0))
        rig.turn()
        #expect(counters.publishes[.ok] == 1 && counters.publishesUnacknowledged == 2)
        #expect(counters.publishes[.refused] == 1 && counters.publishesLost[.refused] == 1)
        #expect(counters.publishes[.notConnected] == 1 && counters.publishesLost[.notConnected] == 1)
        #expect(counters.publishes.total == 3 && counters.publishesLost.total == 2)
    }

    @Test func messagesReceivedDeliveredAndLost() {
        let other = rig.connect()
        for app in [app, other] { app.write(.subscribe(["a"], id: 1)) }
        rig.settle()
        rig.publishElsewhere("a", "x")
        rig.publishElsewhere("a", String(repeating: "x", count: 2 << 20))
        rig.settle()
        #expect(counters.messagesReceived == 2 && counters.messagesDelivered == 2)
        #expect(counters.messagesLost[.tooLarge] == 2 && counters.messagesLost.total == 2)
    }

    @Test func connectionsThatTheRelayHasClosed() {
        app.write([0, 0, 0, 0])
        rig.connect(hello: false).write(.ping(id: 1))
        rig.turn()
        #expect(counters.connectionsAccepted == 2)
        #expect(counters.connectionsClosed[.malformed] == 1 && counters.connectionsClosed[.helloExpected] == 1)
        #expect(counters.connectionsClosed.total == 2)
    }
}
