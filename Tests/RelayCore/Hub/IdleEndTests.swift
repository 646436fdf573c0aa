import TestSupport
import Testing

@testable import RelayCore

/// Rule 10: a relay that is stopping closes the connections to which it owes nothing, and no others.
@Suite struct IdleEndTests {
    private let rig = HubRig()

    init() { rig.bringUp() }

    private func endIdle(hasInput: Bool = false) {
        rig.hub.endIdle { _ in hasInput }
        rig.turn()
    }

    @Test func whoIsOwedNothingEndsInPeace() {
        let (idle, silent) = (rig.connect(), rig.connect(hello: false))
        idle.write(.subscribe(["a"], id: 1))
        rig.settle()
        endIdle()
        #expect(idle.ending == .peace && silent.ending == .peace)
        rig.settle()
        #expect(rig.subscribedNames == [])
    }

    @Test func whoIsOwedSomethingIsServed() {
        let (publisher, subscriber, half) = (rig.connect(), rig.connect(), rig.connect())
        publisher.write(.publish("a", "x", id: 1))
        subscriber.write(.subscribe(["b"], id: 1))
        half.write(Array(HubrelayClientFrame.ping(id: 1).bytes.dropLast()))
        rig.turn()
        endIdle()
        #expect(publisher.ending == nil && subscriber.ending == nil && half.ending == nil)
        // The relay goes on reading them.
        for app in [publisher, subscriber] { app.write(.ping(id: 2)) }
        rig.settle()
        half.write([HubrelayClientFrame.ping(id: 1).bytes.last!])
        for app in [publisher, subscriber] { #expect(app.takeLines() == ["2 ok", "1 ok"]) }
        rig.turn()
        #expect(half.takeLines() == ["1 ok"])
        endIdle(hasInput: true)
        #expect(half.ending == nil, "something waits to be read")
        endIdle()
        #expect(publisher.ending == .peace && subscriber.ending == .peace && half.ending == .peace)
    }

    @Test func whoHasNotReadItsRepliesIsOwedThem() {
        let app = rig.connect()
        app.stopsReading = true
        app.write(.ping(id: 1))
        rig.turn()
        endIdle()
        #expect(app.ending == nil)
        app.stopsReading = false
        endIdle()
        #expect(app.ending == .peace)
    }
}
