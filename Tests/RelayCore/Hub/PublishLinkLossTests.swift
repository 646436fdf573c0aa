import TestSupport
import Testing

@testable import RelayCore

/// Rule 6 for publishes: those in flight when the link is lost, and those that come while there is no link.
@Suite struct PublishLinkLossTests {
    private let rig = HubRig()

    @Test func nothingIsKeptForLater() {
        let app = rig.connect()
        app.write(.publish("a", "x", id: 1))
        rig.bringUp()
        #expect(app.takeLines() == ["1 notConnected", "status degraded", "status up"])
        #expect(rig.redis.published.isEmpty)
    }

    /// The order of rule 6: INTERRUPTED, then the Status, then NOT_CONNECTED.
    @Test func inFlightThenStatusThenNotConnected() {
        rig.bringUp()
        let app = rig.connect()
        app.write(.publish("a", "x", id: 1), .publish("a", "x", id: 2))
        rig.turn()
        rig.redis.executePublish()
        rig.readPublishReply()
        rig.losePublishLink()
        app.write(.publish("a", "x", id: 3))
        rig.turn()
        #expect(app.takeLines() == ["1 ok", "2 interrupted", "status degraded", "3 notConnected"])
    }

    @Test func whatNeverLeftWasCertainlyNotDelivered() {
        rig.bringUp()
        let app = rig.connect()
        app.write(.publish("a", "x", id: 1))
        rig.turn()
        rig.takesPublishes = false
        app.write(.publish("a", "x", id: 2))
        rig.turn()
        rig.losePublishLink()
        rig.turn()
        #expect(app.takeAnswers() == ["1 interrupted", "2 notConnected"])
    }

    /// The kernel goes on taking bytes that it was left with, and reports nothing before it has taken all.
    @Test func whatTheKernelHasTakenSinceMayHaveBeenDelivered() {
        rig.bringUp()
        let app = rig.connect()
        rig.isNetworkSlow = true
        app.write(.publish("a", "x", id: 1), .publish("a", "x", id: 2))
        rig.turn()
        rig.takeSilently(1)
        rig.losePublishLink()
        rig.turn()
        #expect(app.takeAnswers() == ["1 interrupted", "2 notConnected"])
    }

    @Test func everyByteOfTheBacklogDecides() {
        var unsent = 0
        while true {
            let rig = HubRig()
            rig.bringUp()
            let app = rig.connect()
            app.write(.publish("a", "x", id: 1))
            let first = rig.node.publishes.output.count
            app.write(.publish("b", "yy", id: 2))
            let both = rig.node.publishes.output.count
            rig.turn()
            rig.losePublishLink(unsent: unsent)
            rig.turn()
            let expected = [
                "1 \(unsent < both ? "interrupted" : "notConnected")",
                "2 \(unsent < both - first ? "interrupted" : "notConnected")",
            ]
            #expect(app.takeAnswers() == expected, "\(unsent)")
            if unsent == both { break }
            unsent += 1
        }
    }

    @Test func noAnswerComesTwice() {
        rig.bringUp()
        let app = rig.connect()
        for number in 1...50 as ClosedRange<UInt64> { app.write(.publish("a", "x", id: number)) }
        rig.turn()
        for _ in 0..<20 { rig.redis.executePublish() }
        for _ in 0..<20 { rig.readPublishReply() }
        rig.losePublishLink()
        rig.losePublishLink()
        rig.bringUp()
        rig.settle()
        let answers = app.takeAnswers()
        #expect(answers == (1...50).map { $0 <= 20 ? "\($0) ok" : "\($0) interrupted" })
    }

    @Test func connectionsThatAreGoneAreLeftOut() {
        rig.bringUp()
        let app = rig.connect()
        app.write(.publish("a", "x", id: 1), .publish("a", "x", id: 0))
        rig.turn()
        app.close()
        let successor = rig.connect()
        rig.losePublishLink()
        rig.hub.now += 2_000_000_000
        rig.turn()
        #expect(successor.takeLines() == ["status degraded"])
    }
}
