import TestSupport
import Testing

@testable import RelayCore

/// What is reported about single connections.
@Suite struct ClientListingTests {
    private let rig: HubRig
    private let second: UInt64 = 1_000_000_000

    init() {
        var options = HubRig.Options()
        options.window = 1000
        options.maxConnections = 1000
        rig = HubRig(options)
        rig.bringUp()
    }

    private func client(_ name: String, _ channels: [String] = []) -> App {
        let app = rig.connect(hello: false)
        app.write(.hello(name: name))
        if !channels.isEmpty { app.write(.subscribe(channels, id: 1)) }
        rig.settle()
        return app
    }

    private func facts(_ order: ClientOrder = .id, limit: Int = 100) -> [ClientFacts] {
        rig.hub.clients(by: order, limit: limit).items
    }

    private func names(_ order: ClientOrder, limit: Int = 100) -> [String] { facts(order, limit: limit).map(\.name) }

    @Test func aConnectionIsToldWithAllThatBelongsToIt() {
        _ = client("first")
        let app = client("second", ["a", "b", "c"])
        app.write(.unsubscribe(["c"], id: 2))
        for id in 3..<8 { app.write(.publish("a", "x", id: UInt64(id))) }
        rig.settle()
        let all = facts()
        #expect(all.map(\.number) == [1, 2] && all.map(\.name) == ["first", "second"])
        #expect(all.map(\.channels) == [0, 2] && all.map(\.published) == [0, 5] && all.map(\.delivered) == [0, 5])
        #expect(all.allSatisfy { $0.stage == .serving && $0.unread == 0 && $0.lost == 0 && !$0.isHeldBack })
    }

    /// The count shows which client floods, whatever Redis does.
    @Test func publishesCountWhateverBecomesOfThem() {
        let app = client("app")
        rig.loseBothLinks()
        app.write(.publish("a", "x", id: 1), .publish("", "x", id: 2), .publish("a", "x", id: 0))
        rig.turn()
        #expect(facts()[0].published == 3)
    }

    @Test func whoDoesNotReadHasUnreadBytesAndLosses() {
        let app = client("slow", ["a"])
        let quick = client("quick", ["a"])
        _ = app.takeLines()
        app.stopsReading = true
        for _ in 0..<50 {
            rig.publishElsewhere("a", String(repeating: "x", count: 80))
            rig.settle()
        }
        let (slow, other) = (facts()[0], facts()[1])
        #expect(slow.unread > 900 && slow.unread <= 1000)
        #expect(slow.lost > 0 && slow.lost + slow.delivered == 50)
        #expect(other.lost == 0 && other.delivered == 50 && other.unread == 0)
        #expect(rig.hub.counters.messagesLost[.slowReader] == slow.lost)
        _ = quick
    }

    @Test func theOneInThePlaceOfAnotherBeginsAnew() {
        let former = client("former", ["a"])
        former.write(.publish("a", "x", id: 2))
        rig.settle()
        former.close()
        rig.settle()
        _ = client("successor")
        let only = facts()
        #expect(only.map(\.name) == ["successor"] && only[0].number == 2)
        #expect(only[0].published == 0 && only[0].delivered == 0 && only[0].channels == 0)
    }

    @Test func theStageIsTold() {
        _ = rig.connect(hello: false)
        #expect(facts().map(\.stage) == [.greeting])
        let bad = client("bad")
        bad.stopsReading = true
        bad.write([0, 0, 0, 0])
        #expect(facts().map(\.stage) == [.greeting, .closing])
    }

    @Test func whatThereIsMostOfComesFirst() {
        let many = client("many", ["a", "b", "c"])
        let talks = client("talks", ["d"])
        let hears = client("hears", ["a", "e"])
        for id in 10..<20 { talks.write(.publish("e", "x", id: UInt64(id))) }
        many.write(.publish("x", "x", id: 9))
        rig.settle()
        rig.hub.now += 3 * second
        #expect(names(.id) == ["many", "talks", "hears"])
        #expect(names(.age) == ["many", "talks", "hears"])
        #expect(names(.name) == ["hears", "many", "talks"])
        #expect(names(.channels) == ["many", "hears", "talks"])
        #expect(names(.published) == ["talks", "many", "hears"])
        #expect(names(.delivered) == ["hears", "many", "talks"])
        #expect(names(.published, limit: 1) == ["talks"])
        #expect(facts(.published)[0].publishedPerSecond > 0)
        // Equal clients are in the order in which they came.
        #expect(names(.lost) == ["many", "talks", "hears"] && names(.unread) == ["many", "talks", "hears"])
        _ = hears
    }

    @Test func theSlowestComeFirst() {
        _ = client("quick", ["a"])
        let slow = client("slow", ["a"])
        slow.stopsReading = true
        for _ in 0..<50 {
            rig.publishElsewhere("a", String(repeating: "x", count: 80))
            rig.settle()
        }
        #expect(names(.unread) == ["slow", "quick"] && names(.lost) == ["slow", "quick"])
    }

    @Test func aListingLooksAtSoManyPlacesAndSaysWhereTheNextOneBegins() {
        #expect(Listing<Int>.places(after: 0, used: 3) == 0..<3)
        #expect(Listing<Int>.places(after: 5, used: 3) == 3..<3)
        let most = Listing<Int>.mostPlaces
        #expect(Listing<Int>.places(after: 0, used: most + 1) == 0..<most)
        #expect(Listing<Int>.places(after: most, used: most + 1) == most..<most + 1)
        for number in 0..<5 { _ = client("\(number)") }
        let listing = rig.hub.clients(by: .id, limit: 100, after: 3)
        #expect(listing.items.map(\.name) == ["3", "4"])
        #expect(listing.total == 5 && listing.lookedAt == 2 && listing.next == nil)
        #expect(rig.hub.clients(by: .id, limit: 100, after: 100).items.isEmpty)
    }
}
