import TestSupport
import Testing

@testable import RelayCore

/// Rule 8 with several nodes: a connection waits only if it publishes to a node that can take no more.
@Suite struct NodeCongestionTests {
    private let rig = HubRig.cluster(["a"], ["b"])

    init() { rig.bringUp() }

    private func publisher(_ channel: String) -> App {
        let app = rig.connect()
        app.write(.publish(channel, "x", id: 0))
        rig.settle()
        _ = app.takeFrames()
        return app
    }

    private func congest(_ number: Int) { rig.hubNode(number).publishes.backlog = PublishQueue.highWater + 1 }
    private func relieve(_ number: Int) { rig.hubNode(number).publishes.backlog = 0 }

    @Test func onlyPublishersToItWait() {
        let (a, b, listener) = (publisher("a"), publisher("b"), rig.connect())
        congest(0)
        a.write(.publish("a", "x", id: 1))
        b.write(.publish("b", "x", id: 1))
        listener.write(.subscribe(["a"], id: 1))
        rig.settle()
        #expect(a.takeAnswers() == [] && b.takeAnswers() == ["1 ok"] && listener.takeAnswers() == ["1 ok"])
        #expect(rig.hub.isBlocked(a.connection) && !rig.hub.isBlocked(b.connection))
        relieve(0)
        rig.settle()
        rig.settle()
        #expect(a.takeAnswers() == ["1 ok by 1"] && !rig.hub.isBlocked(a.connection))
    }

    @Test func whatStandsBehindTheWaitingPublishWaitsInOrder() {
        let app = publisher("a")
        congest(0)
        app.write(.publish("b", "1", id: 1), .publish("a", "2", id: 2), .publish("b", "3", id: 3))
        rig.settle()
        app.write(.publish("b", "4", id: 4))
        rig.settle()
        #expect(app.takeAnswers() == ["1 ok"])
        congest(1)
        rig.settle()
        #expect(app.takeAnswers() == [], "the other node's state is none of its business now")
        relieve(0)
        rig.settle()
        #expect(app.takeAnswers() == ["2 ok"])
        relieve(1)
        for _ in 0..<3 { rig.settle() }
        #expect(app.takeAnswers() == ["3 ok", "4 ok"])
    }

    @Test func whoHasWaitedForANodeDoesNotWaitForItAgainUnlessItPublishesToIt() {
        let app = publisher("a")
        congest(0)
        app.write(.publish("a", "x", id: 1))
        rig.settle()
        relieve(0)
        rig.settle()
        rig.settle()
        #expect(app.takeAnswers() == ["1 ok"])
        congest(0)
        app.write(.publish("b", "x", id: 2), .ping(id: 3))
        rig.settle()
        #expect(Set(app.takeAnswers()) == ["2 ok", "3 ok"])
        app.write(.publish("a", "x", id: 4))
        rig.settle()
        #expect(app.takeAnswers() == [] && rig.hub.isBlocked(app.connection))
    }

    @Test func aNodeThatIsLostLetsThemGoOn() {
        let app = publisher("a")
        congest(0)
        app.write(.publish("a", "x", id: 1))
        rig.settle()
        #expect(app.takeAnswers() == [])
        rig.losePublishLink(0)
        rig.settle()
        rig.settle()
        #expect(app.takeAnswers() == ["1 notConnected"])
    }
}
