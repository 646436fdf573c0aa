import TestSupport
import Testing

@testable import RelayCore

/// Rules 1 and 9: Hello first, and the errors that end a connection.
@Suite struct HubHandshakeTests {
    private let rig = HubRig()

    private func connect() -> App { rig.connect(hello: false) }

    @Test func welcomeSaysWhatTheRelayIs() throws {
        rig.bringUp()
        let app = connect()
        app.write(.hello(version: 7, name: "worker"))
        rig.turn()
        let frames = app.takeFrames()
        let welcome = try #require(frames.first).welcome
        #expect(frames.count == 1 && welcome.version == 1 && welcome.relayID == "test")
        #expect(welcome.maxPayloadBytes == 1 << 20 && welcome.maxFrameBytes == 1 << 20 + 4096)
        #expect(welcome.status.state == .up && welcome.status.publishing)
        #expect(welcome.features == ["patterns", "settled", "fence"])
    }

    @Test func theNameOfAClientIsKnownUntilItsConnectionEnds() {
        let app = connect()
        app.write(.hello(name: "wörker"))
        #expect(rig.hub.clientName(app.connection) == "wörker")
        app.close()
        #expect(rig.hub.clientName(connect().connection).isEmpty)
    }

    @Test func framesBehindHelloAreServed() {
        let app = connect()
        app.write(.hello(), .ping(id: 1), .ping(id: 0), .ping(id: 2))
        rig.turn()
        #expect(app.takeLines() == ["welcome 1", "1 ok", "2 ok"])
    }

    @Test(arguments: ["ping", "publish", "subscribe", "unsubscribe"])
    func anyOtherFirstFrameEndsTheConnection(kind: String) throws {
        let frames: [String: HubrelayClientFrame] = [
            "ping": .ping(id: 1), "publish": .publish("a", "x", id: 1), "subscribe": .subscribe(["a"], id: 1),
            "unsubscribe": .unsubscribe(["a"], id: 1),
        ]
        let app = connect()
        app.write(try #require(frames[kind]), .hello())
        rig.turn()
        #expect(app.takeLines() == ["error helloExpected"])
        #expect(app.ending == .error(.helloExpected))
    }

    @Test func aSecondHelloEndsTheConnection() {
        let app = connect()
        app.write(.hello(), .ping(id: 1), .hello(), .ping(id: 2))
        rig.turn()
        #expect(app.takeLines() == ["welcome 1", "1 ok", "error helloExpected"])
    }

    @Test func versionsFromOneOnAreSpoken() {
        for version in [1, 2, .max] as [UInt32] {
            let app = connect()
            app.write(.hello(version: version))
            rig.turn()
            #expect(app.takeLines() == ["welcome 1"])
        }
        let app = connect()
        app.write(.hello(version: 0))
        rig.turn()
        #expect(app.takeLines() == ["error version"] && app.ending == .error(.version))
    }

    @Test func aNameMayHave64Bytes() {
        let good = connect()
        good.write(.hello(name: String(repeating: "ü", count: 32)))
        let bad = connect()
        bad.write(.hello(name: String(repeating: "n", count: 65)))
        rig.turn()
        #expect(good.takeLines() == ["welcome 1"])
        #expect(bad.takeLines() == ["error malformed"])
    }

    @Test func theFirstFrameMayHave4096BytesAndLaterOnesMore() {
        rig.bringUp()
        let app = connect()
        app.write(.hello())
        app.write(.publish("a", [UInt8](repeating: 0, count: 1 << 20), id: 0), .ping(id: 1))
        rig.turn()
        #expect(app.takeLines() == ["welcome 1", "1 ok"])
        let large = connect()
        large.write(lengthPrefix(4097))
        rig.turn()
        #expect(large.takeLines() == ["error frameTooLarge"])
    }

    @Test func oneByteOverTheLargestFrameEndsTheConnection() {
        let app = rig.connect()
        app.write(lengthPrefix(1 << 20 + 4096) + [1])
        rig.turn()
        #expect(app.ending == nil)
        let other = rig.connect()
        other.write(HubrelayClientFrame.ping(id: 1).bytes + lengthPrefix(1 << 20 + 4097))
        rig.turn()
        #expect(other.takeLines() == ["1 ok", "error frameTooLarge"])
    }

    @Test func nothingIsServedAfterAnError() {
        let app = rig.connect()
        app.write([0, 0, 0, 0])
        app.write(.ping(id: 1))
        rig.turn()
        app.write(.ping(id: 2))
        rig.hub.fail(app.connection, .timeout, "a second reason")
        rig.turn()
        #expect(app.takeLines() == ["error malformed"] && app.ending == .error(.malformed))
        #expect(rig.hub.counters.connectionsClosed[.malformed] == 1 && rig.hub.counters.connectionsClosed.total == 1)
    }

    @Test func noStatusBeforeWelcome() {
        let app = connect()
        rig.bringUp()
        #expect(app.takeLines() == [])
        app.write(.hello())
        rig.turn()
        #expect(app.takeLines() == ["welcome 1"])
    }

    @Test func thereAreOnlySoManyConnections() {
        var options = HubRig.Options()
        options.maxConnections = 3
        let rig = HubRig(options)
        let apps = (0..<3).map { _ in rig.connect() }
        #expect(rig.hub.openConnection() == nil)
        apps[1].close()
        #expect(rig.connect().connection == apps[1].connection)
        #expect(rig.hub.openConnection() == nil && rig.hub.connectionCount == 3)
    }
}
