import TestSupport
import Testing

@testable import RelayCore

/// The order in which a turn ends.
@Suite struct TurnTests {
    private let rig = HubRig()

    init() { rig.bringUp() }

    /// What is done at the end of a turn: "publish" and "subscribe" for what is written to Redis, "resume" for a connection
    /// that is read from again, "apps", and "again" for another turn.
    private func endTurn() -> [String] {
        var done: [String] = []
        rig.witness = { action in
            switch action {
            case .write(let link): done.append(link.kind.label)
            case .resumeReading: done.append("resume")
            case .writeToApps: done.append("apps")
            case .takeAnotherTurn: done.append("again")
            default: break
            }
        }
        rig.turn()
        rig.witness = { _ in }
        return done
    }

    @Test func redisIsWrittenToBeforeTheApps() {
        rig.connect().write(.publish("a", "x", id: 1), .subscribe(["a"], id: 2), .ping(id: 3))
        #expect(endTurn() == ["publish", "subscribe", "apps"])
    }

    @Test func whereNothingIsToBeWrittenNothingIsAskedFor() {
        #expect(endTurn() == [])
        let app = rig.connect()
        app.write(.publish("a", "x", id: 1))
        #expect(endTurn() == ["publish"])
        // The last output may have been written already when the connection ends.
        app.shutDown()
        rig.redis.executePublish()
        rig.readPublishReply()
        rig.hub.writeOutput()
        #expect(endTurn() == ["apps"] && app.ending == .peace)
    }

    @Test func whatWasReadIsWrittenBeforeThoseGoOnWhoWaited() {
        let (waiting, other) = (rig.connect(), rig.connect())
        rig.node.publishes.backlog = PublishQueue.highWater + 1
        waiting.write(.publish("a", "later", id: 1))
        rig.turn()
        #expect(rig.hub.isBlocked(waiting.connection))
        rig.node.publishes.backlog = 0
        other.write(.publish("a", "first", id: 1))
        #expect(endTurn() == ["publish", "resume", "publish"])
        #expect(rig.redis.publishCommands.map { String(decoding: $0[2], as: UTF8.self) } == ["first", "later"])
    }

    @Test func namesThatAreGivenUpDuringARestoreAreNotWaitedFor() {
        let app = rig.connect()
        app.write(.subscribe(["a"], id: 1))
        rig.settle()
        rig.loseSubscribeLink()
        rig.openSubscribeLink()
        app.write(.unsubscribe(["a"], id: 2))
        #expect(rig.path.status.state == .degraded)
        #expect(endTurn() == ["apps"] && rig.path.status.state == .up)
    }

    @Test func workThatIsLeftTakesAnotherTurn() {
        rig.connect().write(.subscribe((0..<30_000).map { "n\($0)" }, id: 1))
        #expect(endTurn().last == "again")
    }

    @Test func whoWaitedForALinkThatIsLostTakesAnotherTurn() {
        let app = rig.connect()
        rig.node.publishes.backlog = PublishQueue.highWater + 1
        app.write(.publish("a", "x", id: 1))
        rig.turn()
        #expect(rig.hub.isBlocked(app.connection) && !rig.hub.hasWork)
        rig.losePublishLink()
        #expect(rig.hub.hasWork)
    }

    /// Each of three large publishes is written before the next one is read.
    @Test func publishesDoNotPileUpUntilTheEndOfATurn() {
        let app = rig.connect()
        for id in 1...3 as ClosedRange<UInt64> {
            app.write(.publish("a", [UInt8](repeating: 0, count: 600 << 10), id: id))
        }
        #expect(rig.redis.publishCommands.count == 3 && !rig.hub.isBlocked(app.connection))
    }
}
