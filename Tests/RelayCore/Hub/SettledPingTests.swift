import TestSupport
import Testing

@testable import RelayCore

/// Rule 5: a Ping with `settled` is answered once everything that was published before it is.
@Suite struct SettledPingTests {
    private let rig = HubRig()

    init() { rig.bringUp() }

    @Test func itsReplyComesBehindThoseOfAllEarlierPublishes() {
        let app = rig.connect()
        app.write(.publish("a", "x", id: 1), .publish("a", "x", id: 0), .ping(id: 2, settled: true), .ping(id: 3))
        rig.turn()
        #expect(app.takeLines() == [], "it is not read on")
        rig.redis.executePublish()
        rig.readPublishReply()
        rig.turn()
        #expect(app.takeLines() == ["1 ok"], "one has no answer yet")
        rig.settle()
        #expect(app.takeLines() == ["2 ok", "3 ok"])
    }

    @Test func withNothingUnderWayItIsAnsweredAtOnce() {
        let app = rig.connect()
        app.write(.ping(id: 1, settled: true))
        rig.turn()
        #expect(app.takeLines() == ["1 ok"])
        app.write(.publish("a", "x", id: 2), .ping(id: 0, settled: true), .ping(id: 3))
        rig.settle()
        #expect(app.takeLines() == ["2 ok", "3 ok"], "without an id it holds up all the same")
    }

    /// A Loss may be held back for a second, but not past this Reply.
    @Test func lossesComeBeforeIt() {
        let app = rig.connect()
        app.write(.publish("", "x", id: 0))
        rig.turn()
        #expect(app.takeLines() == ["loss of 1 publishes, invalid"])
        app.write(.publish("", "x", id: 0), .publish("", "x", id: 0), .ping(id: 1))
        rig.turn()
        #expect(app.takeLines() == ["1 ok"], "a Ping without it does not care")
        app.write(.ping(id: 2, settled: true))
        rig.turn()
        #expect(app.takeLines() == ["loss of 2 publishes, invalid", "2 ok"])
        rig.turn()
        #expect(app.takeLines() == [])
    }

    @Test func anOutageAnswersIt() {
        let app = rig.connect()
        app.write(.publish("a", "x", id: 0), .ping(id: 1, settled: true), .publish("a", "x", id: 2))
        rig.turn()
        rig.losePublishLink()
        rig.settle()
        #expect(app.takeAnswers() == ["loss of 1 unknown, closed", "1 ok", "2 notConnected"])
    }

    @Test func othersAreNotHeldUp() {
        let (app, other) = (rig.connect(), rig.connect())
        app.write(.publish("a", "x", id: 1), .ping(id: 2, settled: true))
        other.write(.ping(id: 1, settled: true), .publish("a", "x", id: 2))
        rig.turn()
        #expect(other.takeLines() == ["1 ok"] && app.takeLines() == [])
        app.close()
        rig.settle()
        #expect(other.takeLines() == ["2 ok"])
    }
}
