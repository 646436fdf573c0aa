import TestSupport
import Testing

@testable import RelayCore

/// The deadlines of an incomplete frame, and of a Hello that does not come.
@Suite struct HubDeadlineTests {
    private let rig = HubRig()
    private let start: UInt64 = 1_000_000_000
    private let helloTimeout: UInt64 = 5_000_000_000
    private let frameTimeout: UInt64 = 30_000_000_000

    private func pass(_ nanoseconds: UInt64) {
        rig.hub.now += nanoseconds
        rig.hub.failLate()
        rig.turn()
    }

    @Test func aHelloMustComeInTime() {
        let silent = rig.connect(hello: false)
        let half = rig.connect(hello: false)
        half.write([0, 0, 0])
        let good = rig.connect()
        pass(helloTimeout - 1)
        half.write([14])
        #expect(silent.ending == nil && half.ending == nil)
        pass(1)
        #expect(silent.takeLines() == ["error timeout"] && half.takeLines() == ["error timeout"])
        #expect(good.ending == nil && !rig.hub.hasDeadlines)
    }

    @Test func aStartedFrameMustBeFinishedInTime() {
        let app = rig.connect()
        app.write([0])
        pass(frameTimeout - 1)
        // A byte now and then does not extend the deadline.
        app.write([0])
        #expect(app.ending == nil)
        pass(1)
        #expect(app.takeLines() == ["error timeout"])
    }

    @Test func everyFrameHasItsOwnTime() {
        let app = rig.connect()
        let ping = HubrelayClientFrame.ping(id: 1).bytes
        app.write([ping[0]])
        for _ in 0..<20 {
            pass(frameTimeout - 1)
            app.write(Array(ping[1...]) + [ping[0]])
            #expect(app.ending == nil)
        }
        app.write(Array(ping[1...]))
        #expect(!rig.hub.hasDeadlines, "nothing is begun")
        pass(10 * frameTimeout)
        #expect(app.ending == nil)
    }

    @Test func aConnectionThatWaitsForUsHasNoDeadline() {
        rig.bringUp()
        let app = rig.connect()
        rig.takesPublishes = false
        let large = HubrelayClientFrame.publish("a", [UInt8](repeating: 0, count: 1 << 20), id: 0)
        app.write(large.bytes + HubrelayClientFrame.publish("a", "x", id: 1).bytes + [0])
        pass(10 * frameTimeout)
        #expect(app.ending == nil && rig.hub.isBlocked(app.connection))
        rig.takesPublishes = true
        rig.turn()
        pass(frameTimeout - 1)
        #expect(app.ending == nil)
        pass(1)
        #expect(app.ending == .error(.timeout), "now it is the app's turn to go on")
    }

    @Test func timeInWhichOurOwnLoopStoodStillCountsForNobodyAndGivesNobodyMore() {
        let early = rig.connect(hello: false)
        let begun = rig.connect()
        begun.write([0])
        rig.hub.now += helloTimeout / 2 + 60_000_000_000
        // Both begin after the stall, but before the relay has noticed the stall.
        let late = rig.connect(hello: false)
        let afterwards = rig.connect()
        afterwards.write([0])
        rig.hub.forgive(60_000_000_000)
        pass(helloTimeout / 2 - 1)
        #expect(early.ending == nil)
        pass(1)
        #expect(early.ending == .error(.timeout) && late.ending == nil)
        pass(helloTimeout / 2)
        #expect(late.ending == .error(.timeout))
        pass(frameTimeout - helloTimeout * 3 / 2)
        #expect(begun.ending == .error(.timeout) && afterwards.ending == nil)
        pass(helloTimeout / 2)
        #expect(afterwards.ending == .error(.timeout))
    }

    @Test func closedAndFailedConnectionsHaveNone() {
        let closing = rig.connect(hello: false)
        let failing = rig.connect(hello: false)
        let ending = rig.connect(hello: false)
        #expect(rig.hub.hasDeadlines)
        closing.close()
        failing.write([0, 0, 0, 0])
        ending.shutDown()
        #expect(!rig.hub.hasDeadlines)
        pass(frameTimeout)
        #expect(failing.takeLines() == ["error malformed"] && ending.takeLines() == [])
    }
}
