import TestSupport
import Testing

@testable import RelayCore

/// A command to a member of a cluster has names of only one slot, since the member refuses any other mix.
@Suite struct SlotBatchTests {
    private let rig = HubRig.cluster([], [])

    @Test func aCommandNamesChannelsOfOneSlot() {
        let app = rig.connect()
        rig.bringUp()
        app.write(.subscribe(["{x}1", "{x}2", "y", "{x}3", "z"], id: 1))
        rig.turn()
        #expect(rig.commands(0) == ["ssubscribe {x}1 {x}2", "ssubscribe y", "ssubscribe {x}3", "ssubscribe z"])
        rig.settle()
        app.write(.unsubscribe(["{x}1", "{x}2", "y"], id: 2))
        rig.turn()
        #expect(rig.commands(0) == ["sunsubscribe {x}1 {x}2", "ping", "sunsubscribe y", "ping"])
        rig.settle()
        #expect(app.takeAnswers() == ["1 ok", "2 ok"] && rig.subscribed(0) == ["z", "{x}3"] && rig.isAtRest)
    }

    @Test func aRestoreGoesSlotBySlot() {
        let app = rig.connect()
        rig.bringUp()
        let tags = (0..<8).map { "t\($0)" }
        let names = (0..<5).flatMap { number in tags.map { "{\($0)}\(number)" } }
        app.write(.subscribe(names, id: 1))
        rig.settle()
        rig.loseSubscribeLink()
        rig.openSubscribeLink()
        rig.turn()
        let slots = rig.nodes[0].redis.subscribeCommands.map { command in
            Set(command.names.map { rig.nodes[0].redis.membership!.slot(of: $0) })
        }
        #expect(slots == tags.map { [rig.slot(of: "{\($0)}")] }.sorted { $0.first! < $1.first! })
        rig.settle()
        #expect(rig.subscribed(0) == names.sorted() && rig.isAtRest)
    }

    @Test func noMoreThanABatchHolds() {
        let rig = HubRig.cluster([], restoreBatch: 2)
        let app = rig.connect()
        rig.bringUp()
        app.write(.subscribe((0..<5).map { "{x}\($0)" }, id: 1))
        rig.turn()
        #expect(rig.commands(0) == ["ssubscribe {x}0 {x}1", "ssubscribe {x}2 {x}3", "ssubscribe {x}4"])
    }

    /// The halves of a refused command are in a list when their slot moves. Once other names have got their places in
    /// the table, nothing in that list counts.
    @Test func whatAMovedSlotLeavesBehindIsNotMixedUp() {
        let (app, other) = (rig.connect(), rig.connect())
        rig.bringUp()
        rig.redis.forbidden = [rig.redisName("{x}0")]
        other.write(.subscribe(["p", "q"], id: 1))
        rig.settle()
        app.write(.subscribe((0..<6).map { "{x}\($0)" }, id: 1))
        rig.turn()
        rig.nodes[0].takesCommands = false
        rig.answer(0)
        #expect(rig.hubNode(0).hasRefusedBatches)
        rig.loseSubscribeLink(1)
        rig.give(["{x}"], to: 1)
        rig.see(["{x}"], at: 1)
        app.close()
        other.write(.unsubscribe(["p"], id: 2), .subscribe(["r", "s", "t", "u", "v"], id: 3))
        rig.turn()
        rig.nodes[0].takesCommands = true
        rig.turn()
        #expect(
            rig.commands(0).sorted() == [
                "ping", "ssubscribe r", "ssubscribe s", "ssubscribe t", "ssubscribe u", "ssubscribe v",
                "sunsubscribe p",
            ])
        rig.settle()
        #expect(rig.redis.membership?.crossSlotCount == 0)
        #expect(other.takeAnswers() == ["1 ok", "2 ok", "3 ok"])
        #expect(rig.subscribed(0) == ["q", "r", "s", "t", "u", "v"] && rig.hub.nameCount == 6 && rig.isAtRest)
    }

    @Test func patternsAreInvalid() {
        let app = rig.connect()
        rig.bringUp()
        app.write(.subscribe(["a"], patterns: ["a*"], id: 1), .subscribe(["a"], id: 2))
        rig.settle()
        #expect(app.takeAnswers() == ["1 invalid", "2 ok"] && rig.hub.nameCount == 1)
    }
}
