import TestSupport
import Testing

@testable import RelayCore

/// Loss frames for publishes without an id: at most one a second, each with one cause, and no publish is forgotten.
@Suite struct PublishLossTests {
    private let rig = HubRig()
    private let second: UInt64 = 1_000_000_000

    private func pass(_ nanoseconds: UInt64) {
        rig.hub.now += nanoseconds
        rig.turn()
    }

    @Test func whatIsNotTakenIsCounted() {
        let app = rig.connect()
        for _ in 0..<5 { app.write(.publish("a", "x", id: 0)) }
        rig.turn()
        #expect(app.takeLines() == ["loss of 5 publishes, notConnected"])
        #expect(rig.hub.counters.publishesLost[.notConnected] == 5)
    }

    @Test func atMostOneASecond() {
        let app = rig.connect()
        for _ in 0..<5 {
            app.write(.publish("a", "x", id: 0))
            pass(100_000_000)
        }
        #expect(app.takeLines() == ["loss of 1 publishes, notConnected"])
        pass(second - 500_000_001)
        #expect(app.takeLines() == [])
        pass(100_000_001)
        #expect(app.takeLines() == ["loss of 4 publishes, notConnected"])
        pass(5 * second)
        #expect(app.takeLines() == [])
    }

    @Test func oneCauseEach() {
        rig.bringUp()
        let app = rig.connect()
        app.write(.publish("", "x", id: 0), .publish("a", "x", id: 0), .publish("a", "x", id: 0))
        rig.node.publishes.backlog = 0
        rig.takesPublishes = false
        rig.losePublishLink()
        app.write(.publish("", "x", id: 0))
        rig.turn()
        #expect(app.takeAnswers() == ["loss of 2 publishes, invalid"])
        pass(second)
        #expect(app.takeAnswers() == ["loss of 2 publishes, notConnected"])
        pass(second)
        #expect(app.takeAnswers() == [])
    }

    @Test func whatWasInFlightIsUnknown() {
        rig.bringUp()
        let app = rig.connect()
        for _ in 0..<3 { app.write(.publish("a", "x", id: 0)) }
        rig.turn()
        rig.takesPublishes = false
        app.write(.publish("a", "x", id: 0))
        rig.turn()
        rig.losePublishLink()
        rig.turn()
        #expect(app.takeAnswers() == ["loss of 3 unknown, closed"])
        pass(second)
        #expect(app.takeAnswers() == ["loss of 1 publishes, notConnected"])
    }

    @Test func aConnectionThatFailsIsToldEverythingBeforeTheError() {
        let app = rig.connect()
        app.write(.publish("a", "x", id: 0))
        rig.turn()
        app.write(.publish("a", "x", id: 0))
        app.write([0, 0, 0, 0])
        rig.turn()
        #expect(
            app.takeLines() == [
                "loss of 1 publishes, notConnected", "loss of 1 publishes, notConnected", "error malformed",
            ])
    }

    @Test func aConnectionThatEndsIsToldEverythingAtOnce() {
        let app = rig.connect()
        app.write(.publish("a", "x", id: 0))
        rig.turn()
        app.write(.publish("a", "x", id: 0), .publish("", "x", id: 0))
        app.shutDown()
        rig.turn()
        #expect(
            app.takeLines() == [
                "loss of 1 publishes, notConnected", "loss of 1 publishes, notConnected",
                "loss of 1 publishes, invalid",
            ])
        #expect(app.ending == .peace)
    }

    @Test func aSuccessorDoesNotInheritThem() {
        let app = rig.connect()
        for _ in 0..<3 { app.write(.publish("a", "x", id: 0)) }
        app.close()
        let successor = rig.connect()
        pass(second)
        #expect(successor.connection == app.connection && successor.takeLines() == [])
        successor.write(.publish("a", "x", id: 0))
        pass(second)
        #expect(successor.takeLines() == ["loss of 1 publishes, notConnected"])
    }

    @Test func whatIsUnknownIsToldApartFromWhatIsCertain() {
        let losses = PublishLosses()
        for isUnknown in [true, false, true] { losses.add(.topology, isUnknown: isUnknown) { "a reason" } }
        #expect(losses.reports.map(\.publishesUnknown) == [2, 0] && losses.reports.map(\.publishes) == [0, 1])
    }
}
