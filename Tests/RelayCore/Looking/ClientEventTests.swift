import TestSupport
import Testing

@testable import RelayCore

/// What the log may report about connections.
@Suite struct ClientEventTests {
    private let rig: HubRig

    init() {
        var options = HubRig.Options()
        options.window = 200
        options.maxSubscriptionsPerConnection = 3
        rig = HubRig(options)
        rig.bringUp()
    }

    private var events: [ClientEvent] { rig.events.map(\.event) }

    @Test func theFirstLossIsToldAndNoOther() {
        let (slow, quick) = (rig.connect(), rig.connect())
        for app in [slow, quick] { app.write(.subscribe(["a"], id: 1)) }
        rig.settle()
        for round in 0..<3 {
            slow.stopsReading = true
            for _ in 0..<20 {
                rig.publishElsewhere("a", String(repeating: "x", count: 50))
                rig.settle()
            }
            slow.stopsReading = false
            rig.settle()
            #expect(events == [.beganToLose], "round \(round)")
        }
        #expect(rig.events[0].connection == slow.connection)
    }

    @Test func allElseIsToldWhereItIsWanted() {
        let app = rig.connect()
        app.write(.subscribe(["a"], id: 1))
        rig.settle()
        #expect(events.isEmpty)
        rig.hub.tellsClientEvents = true
        let other = rig.connect()
        other.write(.subscribe(["a", "b"], patterns: ["c*"], id: 1), .subscribe(["d"], id: 2), .subscribe([], id: 3))
        rig.settle()
        other.write(.unsubscribe(["a", "x"], id: 4))
        rig.settle()
        #expect(
            events == [
                .greeted, .subscribed(names: 1, .limit), .subscribed(names: 0, .invalid), .subscribed(names: 3, .ok),
                .unsubscribed(names: 2),
            ])
        #expect(rig.events.allSatisfy { $0.connection == other.connection })
    }
}
