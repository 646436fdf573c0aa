import TestSupport
import Testing

@testable import RelayCore

/// What changes of a cluster mean for the path, and which redirections are followed.
@Suite struct ClusterPathTests {
    private let rig = HubRig.cluster(["a", "a2"], ["b"])
    private let app: App

    init() {
        rig.bringUp()
        app = rig.connect()
    }

    private var cluster: Cluster { rig.upstream.cluster! }

    private func redirect(_ kind: String, _ name: String, to number: Int) {
        let text = "\(kind) \(rig.slot(of: name)) 127.0.0.1:\(Membership.firstPort + number)"
        rig.event { cluster.redirected(text, by: rig.redisNode(0)) }
    }

    private func owner(_ name: String) -> Int { Int(rig.hub.slots!.node(ofSlot: rig.slot(of: name))) }

    @Test func theReasonSaysHowManySlotsAreAway() {
        #expect(rig.upstream.slotsAway == 0)
        rig.loseSubscribeLink(1)
        #expect(rig.upstream.slotsAway == 2, "that of b, and its own")
        #expect(rig.path.status.reason.hasPrefix("2 of 16384 slots cannot be used"))
    }

    @Test func slotsOfNobodyAreAway() {
        rig.see(["a"], at: nil)
        #expect(rig.upstream.slotsAway == 1 && rig.path.status.state == .degraded)
        app.write(.publish("a", "x", id: 1), .publish("a2", "x", id: 2))
        rig.settle()
        #expect(app.takeAnswers() == ["1 notConnected", "2 ok"])
    }

    @Test func aSlotThatHasMovedIsFollowedAtOnceAndCounted() {
        app.write(.subscribe(["a"], id: 1))
        rig.settle()
        redirect("MOVED", "a", to: 1)
        #expect(owner("a") == rig.hubNode(1).index)
        let counts = rig.hub.slots!.counts(nodes: rig.hub.nodes.count)
        for number in 0...1 { #expect(rig.redisNode(number).slotCount == counts[rig.hubNode(number).index]) }
        rig.tick()
        #expect(rig.commands(1) == ["ssubscribe a"], "its names follow")
    }

    @Test func aSlotThatIsOnItsWayIsNotFollowed() {
        redirect("ASK", "a", to: 1)
        #expect(owner("a") == rig.hubNode(0).index)
    }

    @Test func slotsThatNoNameHasAreNoneOfOurs() {
        var options = HubRig.Options()
        (options.prefix, options.shards) = ("{x}:", 2)
        let rig = HubRig(options)
        let node = rig.upstream.nodes[0]
        #expect(rig.upstream.nodes.count == 1 && node.slotCount == 1)
        let text = "MOVED \(SimulatedNode.ownSlot(1)) 127.0.0.1:\(Membership.firstPort)"
        rig.event { rig.upstream.cluster!.redirected(text, by: node) }
        #expect(node.slotCount == 1)
    }

    /// The first break and its end are reported at once. Another one within a second ends after a second without
    /// breaks.
    @Test func breaksThatFollowEachOtherAreOneOutage() {
        app.write(.subscribe(["a"], id: 1))
        rig.settle()
        _ = app.takeFrames()
        func loseAndFind() {
            rig.redis.unsubscribeByItself(rig.redisName("a"))
            rig.settle()
        }
        loseAndFind()
        #expect(app.takeLines() == ["status degraded", "status up"])
        rig.hub.now += 200_000_000
        loseAndFind()
        #expect(app.takeLines() == ["status degraded"] && rig.subscribed(0) == ["a"])
        rig.holdDownEnds()
        #expect(app.takeLines() == ["status up"])
    }

    /// The first retry comes after 250 ms. Each further one takes twice as long.
    @Test func aNameThatNobodyTakesIsTriedLessAndLessOften() {
        app.write(.subscribe(["a"], id: 1))
        rig.settle()
        rig.give(["a"], to: nil, knownTo: [0])
        rig.settle()
        let before = rig.redis.commandSizes.count
        for _ in 0..<32 {
            rig.tick()
            rig.settle()
        }
        #expect(3...6 ~= rig.redis.commandSizes.count - before)
        rig.give(["a"], to: 0, knownTo: [0])
        for _ in 0..<17 {
            rig.tick()
            rig.settle()
        }
        #expect(rig.subscribed(0) == ["a"])
    }
}
