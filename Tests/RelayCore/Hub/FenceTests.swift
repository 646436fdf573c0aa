import TestSupport
import Testing

@testable import RelayCore

/// Rule 11: names among the relay's own that apps may use.
@Suite struct FenceTests {
    private let rig = HubRig()
    private static let fence = "__hubrelay:fence:"

    init() { rig.bringUp() }

    @Test func aFenceIsAChannelThatNoPatternMatches() {
        let (one, other, watcher) = (rig.connect(), rig.connect(), rig.connect())
        let name = Self.fence + "x1"
        watcher.write(.subscribe(patterns: ["*"], id: 1))
        for app in [one, other] { app.write(.subscribe([name, "a"], id: 1)) }
        rig.settle()
        for app in [one, other, watcher] { #expect(app.takeLines() == ["1 ok"]) }
        one.write(.publish("a", "1", id: 0), .publish(name, "", id: 2), .publish("a", "2", id: 0))
        rig.settle()
        #expect(other.takeLines() == ["a: 1", "\(name): ", "a: 2"])
        #expect(one.takeLines().contains("\(name): "))
        #expect(watcher.takeLines() == ["a by *: 1", "a by *: 2"])
        #expect(rig.hub.subscriptionCount == 5)
    }

    @Test func itsNameHasOneTo64Bytes() {
        let app = rig.connect()
        let names = ["", String(repeating: "x", count: 64), String(repeating: "x", count: 65)]
        for (number, rest) in names.enumerated() {
            app.write(.subscribe([Self.fence + rest], id: UInt64(number + 1)))
            app.write(.publish(Self.fence + rest, "x", id: UInt64(number + 11)))
        }
        rig.settle()
        let answers = app.takeAnswers().filter { !$0.hasPrefix("__") }.sorted()
        #expect(answers == ["1 invalid", "11 invalid", "12 ok by 1", "13 invalid", "2 ok", "3 invalid"].sorted())
    }

    @Test func otherNamesOfTheRelaysOwnAndPatternsOfFencesAreInvalid() {
        let app = rig.connect()
        app.write(.subscribe(["__hubrelay:probe:1"], id: 1), .subscribe(["__hubrelay:"], id: 2))
        app.write(.subscribe(["__hubrelay:fence"], id: 3), .subscribe(patterns: [Self.fence + "x"], id: 4))
        app.write(.subscribe(patterns: [Self.fence + "*"], id: 5), .publish("__hubrelay:fences", "x", id: 6))
        rig.turn()
        #expect(app.takeLines() == (1...6).map { "\($0) invalid" })
    }

    /// A fence that nobody holds any more is not taken for a probe, whatever its payload is.
    @Test func aFenceIsNoProbe() {
        let channel = Array("app:\(Self.fence)x".utf8)
        let number = lending(channel) { channel in
            lending(Array("7".utf8)) { rig.hub.deliver(channel: channel, payload: $0, by: rig.node) }
        }
        #expect(number == nil)
        let probe = lending(Array("app:__hubrelay:probe:1".utf8)) { channel in
            lending(Array("7".utf8)) { rig.hub.deliver(channel: channel, payload: $0, by: rig.node) }
        }
        #expect(probe == 7)
    }

    @Test func aClusterHasNone() {
        var options = HubRig.Options()
        options.shards = 2
        let rig = HubRig(options)
        rig.bringUp()
        let app = rig.connect()
        app.write(.subscribe([Self.fence + "x"], id: 1))
        rig.turn()
        let reply = app.takeFrames().first?.reply
        #expect(reply?.outcome == .invalid && reply?.detail.contains("cluster") == true)
    }
}
