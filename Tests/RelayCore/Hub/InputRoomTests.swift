import TestSupport
import Testing

@testable import RelayCore

/// The memory for frames that have begun to come is bounded over all connections.
@Suite struct InputRoomTests {
    private let rig: HubRig
    private static let bound = 1 << 20
    private static let payload = 256 << 10

    init() {
        var options = HubRig.Options()
        (options.maxConnections, options.maxPayload, options.maxBuffered) = (1000, Self.payload, Self.bound)
        rig = HubRig(options)
        rig.bringUp()
    }

    private let frame = HubrelayClientFrame.publish("a", [UInt8](repeating: 0, count: payload), id: 1).bytes

    /// Lets some milliseconds pass, with turns and ticks.
    private func pass(milliseconds: UInt64) {
        rig.hub.now += milliseconds * 1_000_000
        rig.hub.failLate()
        for _ in 0..<80 { rig.turn() }
    }

    private func beginnings(_ count: Int) -> [App] {
        (0..<count).map { _ in
            let app = rig.connect()
            app.write(Array(frame.dropLast()))
            for _ in 0..<80 { rig.turn() }
            return app
        }
    }

    @Test func halfFramesOfHundredsStayWithinTheBound() {
        // All at the same time. One after the other, with turns for each, would take minutes.
        let apps = (0..<300).map { _ in rig.connect() }
        for app in apps { app.write(Array(frame.dropLast())) }
        for _ in 0..<80 {
            rig.turn()
            #expect(rig.hub.inputHeld <= Self.bound + 300 * (4 << 10))
        }
        #expect(rig.hub.inputHeld <= Self.bound + 300 * (4 << 10))
        #expect(apps.allSatisfy { !$0.isEnded })
        // Small frames go on.
        let app = rig.connect()
        app.write(.ping(id: 1), .publish("a", "x", id: 2))
        rig.settle()
        #expect(app.takeLines() == ["1 ok", "2 ok"])
    }

    @Test func whoWritesInEarnestGetsThrough() {
        _ = beginnings(20)
        let app = rig.connect()
        app.write(frame)
        rig.settle()
        #expect(app.takeLines() == [], "it waits for room, and its clock stands")
        var answers: [String] = []
        for _ in 0..<10 where answers.isEmpty {
            pass(milliseconds: 1000)
            rig.settle()
            answers = app.takeAnswers()
        }
        #expect(answers == ["1 ok"] && !app.isEnded)
    }

    @Test func whoFinishesNothingIsClosedAfterASecondOnceOthersWait() {
        let apps = beginnings(3)
        pass(milliseconds: 5000)
        #expect(apps.allSatisfy { !$0.isEnded }, "while there is room, there is time")
        let more = beginnings(3)
        pass(milliseconds: 1000)
        #expect(apps.allSatisfy { $0.ending == .error(.timeout) })
        pass(milliseconds: 900)
        #expect(more.contains { !$0.isEnded })
    }

    /// A connection that waits for room does not keep the room of its frame before.
    @Test func whoWaitsForRoomKeepsNone() {
        let apps = (0..<5).map { _ in rig.connect() }
        let small = HubrelayClientFrame.publish("a", [UInt8](repeating: 0, count: 200 << 10), id: 1).bytes
        for app in apps {
            app.write(Array(small.dropLast()))
            for _ in 0..<80 { rig.turn() }
        }
        // The end of the frame, and the beginning of a larger one.
        for app in apps { app.write([small.last!] + frame.dropLast()) }
        for _ in 0..<80 { rig.turn() }
        for app in apps { app.write([frame.last!]) }
        for _ in 0..<5 { pass(milliseconds: 1000) }
        rig.settle()
        #expect(apps.contains { $0.takeAnswers() == ["1 ok", "1 ok"] })
        #expect(rig.hub.inputHeld == 0 || apps.contains { $0.isEnded })
    }

    /// Otherwise small frames, one after the other, would keep a large frame waiting for ever.
    @Test func whoNeedsLittleDoesNotOvertakeWhoWaitsForMuch() {
        let apps = beginnings(3)
        let (large, small) = (rig.connect(), rig.connect())
        large.write(frame)
        small.write(.publish("a", [UInt8](repeating: 0, count: 200 << 10), id: 1))
        for _ in 0..<80 { rig.settle() }
        #expect(large.takeLines() == [] && small.takeLines() == [])
        apps[0].write([frame.last!])
        for _ in 0..<80 { rig.settle() }
        #expect(large.takeLines() == ["1 ok"] && small.takeLines() == ["1 ok"])
    }

    @Test func whoHasRoomReadsNoMoreThanThat() {
        for _ in 0..<100 {
            let app = rig.connect()
            app.write(.publish("a", "x", id: 1))
            app.write(Array(frame.prefix(100 << 10)))
            rig.turn()
            // The connection's own publish holds it up, whatever it writes.
            app.write(frame.dropFirst(100 << 10) + HubrelayClientFrame.ping(id: 2, settled: true).bytes + frame)
            rig.turn()
        }
        #expect(rig.hub.inputHeld <= Self.bound + (256 << 10) + 100 * (4 << 10), "\(rig.hub.inputHeld)")
    }

    /// More requests would only bring more replies.
    @Test func unreadRepliesMakeReadsShort() {
        let (app, other) = (rig.connect(), rig.connect())
        app.stopsReading = true
        let pings = (0..<1000).flatMap { _ in HubrelayClientFrame.ping(id: 1 << 50).bytes }
        for _ in 0..<200 where app.backlog < Self.bound / 2 {
            #expect(rig.hub.readLimit(other.connection) == .max)
            app.write(pings)
            rig.turn()
        }
        #expect(rig.hub.readLimit(other.connection) == 4 << 10 && !app.isEnded)
        app.stopsReading = false
        #expect(rig.hub.readLimit(other.connection) == .max)
    }

    @Test func everythingIsGivenBack() {
        let apps = beginnings(20)
        for (number, app) in apps.enumerated() where number % 2 == 0 { app.write([frame.last!]) }
        for app in apps { app.close() }
        #expect(rig.hub.inputHeld == 0 && rig.hub.inputRoom == 0)
        let app = rig.connect()
        app.write(frame)
        rig.settle()
        #expect(app.takeLines() == ["1 ok"])
    }

    @Test func aFrameLargerThanAllRoomIsReadAllTheSame() {
        var options = HubRig.Options()
        (options.maxPayload, options.maxBuffered) = (Self.payload, 1 << 10)
        let rig = HubRig(options)
        rig.bringUp()
        let app = rig.connect()
        app.write(frame)
        for _ in 0..<80 { rig.settle() }
        #expect(app.takeLines() == ["1 ok"])
    }
}
