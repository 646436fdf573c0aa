import TestSupport
import Testing

@testable import RelayCore

/// Rule 4 and the outcomes of a publish.
@Suite struct HubPublishTests {
    private let rig = HubRig()

    private func up() -> App {
        rig.bringUp()
        return rig.connect()
    }

    @Test func okTellsHowManyReceived() {
        let app = up()
        app.write(.subscribe(["a"], patterns: ["*"], id: 1))
        rig.settle()
        app.write(.publish("a", "x", id: 2), .publish("b", "x", id: 3))
        rig.settle()
        #expect(Set(app.takeLines()) == ["1 ok", "2 ok by 2", "3 ok by 1", "a: x", "a by *: x", "b by *: x"])
    }

    @Test func thePayloadGoesToThePrefixedChannelAsItIs() {
        let app = up()
        app.write(.publish("a", [0, 13, 10, 255], id: 1), .publish("b", [], id: 0))
        rig.settle()
        #expect(rig.redis.published.map(\.channel) == [Array("app:a".utf8), Array("app:b".utf8)])
        #expect(rig.redis.published.map(\.payload) == [[0, 13, 10, 255], []])
        #expect(app.takeLines() == ["1 ok"])
        #expect(rig.hub.counters.publishes[.ok] == 1 && rig.hub.counters.publishesUnacknowledged == 1)
    }

    @Test func publishesOfAConnectionKeepTheirOrder() {
        let app = up()
        for number in 1...500 as ClosedRange<UInt64> { app.write(.publish("a", "\(number)", id: number % 3)) }
        rig.settle()
        #expect(rig.redis.published.map { String(decoding: $0.payload, as: UTF8.self) } == (1...500).map(String.init))
    }

    @Test func whatIsWrongWithTheRequestIsInvalid() {
        let app = up()
        let long = String(repeating: "c", count: 513)
        app.write(
            .publish("", "x", id: 1), .publish(long, "x", id: 2), .publish("__hubrelay:x", "x", id: 3),
            .publish("a", [UInt8](repeating: 0, count: 1 << 20 + 1), id: 4), .publish("a", "x", id: 1 << 53))
        rig.settle()
        #expect(
            app.takeLines() == ["1 invalid", "2 invalid", "3 invalid", "4 invalid", "\(1 << 53) invalid"])
        #expect(rig.redis.published.isEmpty && rig.hub.counters.publishes[.invalid] == 5)
    }

    @Test func theLimitsThemselvesAreValid() {
        let app = up()
        let long = String(repeating: "c", count: 512)
        app.write(
            .publish(long, "x", id: 1), .publish("a", [UInt8](repeating: 0, count: 1 << 20), id: 1 << 53 - 1))
        rig.settle()
        #expect(app.takeLines() == ["1 ok", "\(1 << 53 - 1) ok"])
    }

    @Test func invalidComesAlsoWhileDown() {
        let app = rig.connect()
        app.write(.publish("", "x", id: 1), .publish("a", "x", id: 2))
        rig.turn()
        #expect(app.takeLines() == ["1 invalid", "2 notConnected"])
    }

    @Test func anErrorOfRedisIsRefusedWithItsText() {
        let app = up()
        rig.redis.refusesPublishes = true
        app.write(.publish("a", "x", id: 1), .publish("a", "x", id: 0))
        rig.settle()
        rig.turn()
        let frames = app.takeFrames()
        #expect(frames.first?.reply.outcome == .refused && frames.first?.reply.detail.hasPrefix("NOPERM") == true)
        #expect(frames.last?.loss.publishes == 1 && frames.last?.loss.cause == .refused)
    }

    @Test func anAnswerToNothingIsAViolation() {
        rig.bringUp()
        #expect(rig.hub.publishAnswered(receivers: 1, by: rig.node) == nil)
        #expect(rig.hub.publishRefused("ERR", by: rig.node) == nil)
    }

    @Test func anAnswerFindsThatItsAskerIsGone() {
        let app = up()
        app.write(.publish("a", "x", id: 1), .publish("a", "x", id: 0))
        rig.turn()
        app.close()
        let successor = rig.connect()
        #expect(successor.connection == app.connection)
        rig.settle()
        successor.write(.publish("a", "x", id: 1))
        rig.turn()
        rig.losePublishLink()
        rig.turn()
        #expect(successor.takeAnswers() == ["1 interrupted"])
    }

    @Test func aLateErrorFindsThatItsAskerIsGone() {
        let app = up()
        rig.redis.refusesPublishes = true
        app.write(.publish("a", "x", id: 1), .publish("a", "x", id: 0))
        rig.turn()
        app.close()
        let successor = rig.connect()
        rig.settle()
        rig.hub.now += 2_000_000_000
        rig.turn()
        #expect(successor.connection == app.connection && successor.takeLines() == [])
    }

    @Test func aRelayWithoutAPrefixIsAllowed() {
        var options = HubRig.Options()
        options.prefix = ""
        let rig = HubRig(options)
        rig.bringUp()
        let app = rig.connect()
        app.write(.subscribe(["a"], patterns: ["a*"], id: 1))
        rig.settle()
        app.write(.publish("a", "x", id: 2))
        rig.settle()
        #expect(rig.redis.published.first?.channel == Array("a".utf8))
        #expect(Set(app.takeLines()) == ["1 ok", "2 ok by 2", "a: x", "a by a*: x"])
    }
}
