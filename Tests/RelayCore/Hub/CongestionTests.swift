import TestSupport
import Testing

@testable import RelayCore

/// Rule 8: which connections are not read while Redis cannot take more, and which goes on first.
@Suite struct HubCongestionTests {
    private let rig = HubRig()
    private let large = [UInt8](repeating: 0, count: 1 << 20)

    init() { rig.bringUp() }

    /// A connection that has published.
    private func publisher() -> App {
        let app = rig.connect()
        app.write(.publish("a", "x", id: 0))
        rig.settle()
        return app
    }

    private func congest() { rig.node.publishes.backlog = PublishQueue.highWater + 1 }
    private func relieve() { rig.node.publishes.backlog = 0 }

    private static let ringfulOfPublishes: [UInt8] = {
        let frame = HubrelayClientFrame.publish("b", "", id: 0).bytes
        return (0..<PublishQueue.ringCapacity).flatMap { _ in frame }
    }()

    @Test func publishersWaitAndOthersDoNot() {
        let (publisher, other) = (publisher(), rig.connect())
        congest()
        publisher.write(.ping(id: 1))
        other.write(.ping(id: 1), .subscribe(["a"], id: 2))
        rig.settle()
        #expect(publisher.takeLines() == [] && other.takeLines() == ["1 ok", "2 ok"])
        relieve()
        rig.settle()
        rig.settle()
        #expect(publisher.takeLines() == ["1 ok"])
    }

    @Test func theFirstPublishOfAConnectionWaitsToo() {
        let app = rig.connect()
        congest()
        app.write(.ping(id: 1), .publish("b", "x", id: 2), .ping(id: 3))
        rig.turn()
        #expect(app.takeLines() == ["1 ok"] && rig.hub.isBlocked(app.connection))
        relieve()
        rig.settle()
        #expect(app.takeLines() == ["3 ok", "2 ok"])
        #expect(rig.redis.published.count == 1)
    }

    @Test func noMoreThanTheBoundIsGathered() {
        let app = rig.connect()
        rig.takesPublishes = false
        for number in 1...10 as ClosedRange<UInt64> { app.write(.publish("a", large, id: number)) }
        rig.turn()
        #expect(rig.node.publishes.inFlight == 1)
        rig.takesPublishes = true
        for _ in 0..<30 { rig.settle() }
        #expect(app.takeLines() == (1...10).map { "\($0) ok" })
    }

    /// The hub asks once, however many publishes of the same read follow the one that fills the output.
    @Test func itIsAskedOnceToWriteBeforeTheTurnEnds() {
        let app = publisher()
        let frame = HubrelayClientFrame.publish("a", String(repeating: "x", count: 1000), id: 0).bytes
        lending((0..<600).flatMap { _ in frame }) { rig.hub.receive($0, from: app.connection) }
        var flushes = 0
        while let action = rig.hub.nextAction() { if case .flushPublishes = action { flushes += 1 } }
        #expect(flushes == 1 && rig.node.publishes.output.count > PublishQueue.flushThreshold)
        // It asks once more for the publishes after that.
        lending(frame) { rig.hub.receive($0, from: app.connection) }
        #expect(rig.hub.hasActions)
    }

    /// A connection that waits only for the output to be written goes on in the next turn, whatever others send.
    @Test func anotherTurnComesForWhoWaitsOnlyUntilTheOutputIsWritten() {
        let apps = (0..<3).map { _ in publisher() }
        for app in apps {
            app.write((0..<3).flatMap { HubrelayClientFrame.publish("a", large, id: UInt64($0 + 1)).bytes })
        }
        #expect(apps.allSatisfy { rig.hub.isBlocked($0.connection) })
        var turns = 0
        repeat {
            rig.turn()
            turns += 1
        } while rig.hub.hasWork && turns < 100
        #expect(turns > 1 && rig.node.publishes.inFlight == 9)
    }

    /// Takes seconds: 65,536 publishes in flight.
    @Test func aFullRingStopsPublishersUntilRedisAnswers() {
        let app = publisher()
        app.write(Self.ringfulOfPublishes)
        rig.turn()
        #expect(rig.hub.isBlocked(app.connection))
        app.write(.ping(id: 1))
        rig.turn()
        #expect(app.takeLines() == [])
        for _ in 0..<20 {
            rig.redis.executePublish()
            rig.readPublishReply()
        }
        rig.turn()
        rig.turn()
        #expect(app.takeLines() == ["1 ok"])
    }

    /// The ring does not overflow, however many commands of its own the relay sends meanwhile.
    /// Takes seconds: 65,536 publishes in flight.
    @Test func theRelaysOwnCommandsNeverOverflowTheRing() {
        let app = publisher()
        app.write(Self.ringfulOfPublishes)
        rig.turn()
        for number in 0..<100 as Range<UInt64> {
            lending("PING") { _ = rig.hub.send($0, as: .ping, to: rig.node) }
            lending("ROLE") { _ = rig.hub.send($0, as: .role, to: rig.node) }
            _ = rig.hub.sendProbe(number: number, channel: "__hubrelay:probe", to: rig.node)
        }
        #expect(rig.node.publishes.inFlight <= PublishQueue.ringCapacity)
        rig.losePublishLink()
        rig.turn()
        #expect(rig.node.publishes.inFlight == 0)
    }

    @Test func anOutageLetsThemGoOn() {
        let app = publisher()
        congest()
        app.write(.publish("a", "x", id: 1))
        rig.turn()
        #expect(app.takeLines() == [])
        rig.losePublishLink()
        rig.turn()
        rig.turn()
        #expect(app.takeLines() == ["status degraded", "1 notConnected"])
    }

    /// The connection that has waited longest goes first. One that is stopped again waits behind those without a turn.
    @Test func turnsAreTakenInOrder() {
        let apps = (0..<4).map { _ in rig.connect() }
        rig.takesPublishes = false
        // One publish fills the output, so that one connection goes on in each turn.
        for app in apps {
            app.write(
                (0..<3).flatMap { _ in HubrelayClientFrame.publish("\(app.connection.index)", large, id: 1).bytes })
        }
        #expect(apps.allSatisfy { rig.hub.isBlocked($0.connection) })
        for _ in 0..<20 {
            rig.takesPublishes = true
            rig.event { rig.redisNode(0).publishLink.flush() }
            rig.takesPublishes = false
            rig.hub.finishTurn()
        }
        rig.takesPublishes = true
        rig.settle()
        let order = rig.redis.published.map { String(decoding: $0.channel.dropFirst(4), as: UTF8.self) }
        #expect(order == ["0", "0", "1", "2", "3", "0", "1", "2", "3", "1", "2", "3"])
    }

    @Test func aBlockedConnectionMayClose() {
        let (app, other) = (publisher(), publisher())
        congest()
        app.write(.publish("a", "x", id: 1))
        other.write(.publish("a", "x", id: 1))
        rig.turn()
        app.close()
        let successor = rig.connect(hello: false)
        #expect(successor.connection == app.connection)
        successor.write(Array(HubrelayClientFrame.hello().bytes.dropLast()))
        rig.turn()
        relieve()
        rig.settle()
        rig.settle()
        #expect(other.takeLines() == ["1 ok"])
        successor.write([HubrelayClientFrame.hello().bytes.last!] + HubrelayClientFrame.ping(id: 1).bytes)
        rig.turn()
        #expect(successor.takeLines() == ["welcome 1", "1 ok"])
    }

    /// The number of unanswered requests of one connection is bounded too.
    @Test func unansweredRequestsAreBounded() {
        let app = rig.connect()
        for number in 1...3000 as ClosedRange<UInt64> { app.write(.subscribe(["a\(number)"], id: number)) }
        rig.turn()
        #expect(rig.hub.isBlocked(app.connection))
        #expect(rig.hub.subscriptionCount == 1024)
        for _ in 0..<10 { rig.settle() }
        #expect(app.takeLines() == (1...3000).map { "\($0) ok" })
        #expect(rig.subscribedNames.count == 3000)
    }
}
