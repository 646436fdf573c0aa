import RESP
import TestSupport
import Testing

@testable import RelayCore

/// What one node's server says on its two links, and what happens to the links.
@Suite struct RedisNodeTests {
    private let rig: HubRig

    init() {
        var options = HubRig.Options()
        options.probeInterval = 5_000_000_000
        rig = HubRig(options)
    }

    private var areLinksUp: [Bool] { [rig.isPublishLinkUp(0), rig.isSubscribeLinkUp(0)] }

    private func pass(seconds: Int) {
        for _ in 0..<(4 * seconds) {
            rig.tick()
            rig.settle()
        }
    }

    // MARK: Probe

    @Test func nothingIsProbedBeforeTheOwnChannelIsSubscribedTo() {
        rig.openPublishLink()
        rig.attempt(rig.redisNode(0).subscribeLink)
        rig.turn()
        #expect(rig.redis.publishCommands.isEmpty && !rig.path.status.receiving)
        rig.settle()
        #expect(rig.path.status.state == .up)
    }

    @Test func aProbeThatFailsOnceIsNoOutageAndTwiceIsOne() {
        rig.bringUp()
        rig.redis.refusals["PUBLISH"] = "MISCONF Redis is configured to save RDB snapshots"
        pass(seconds: 7)
        #expect(areLinksUp == [true, true] && rig.path.status.state == .up)
        pass(seconds: 7)
        #expect(areLinksUp == [false, true] && rig.path.status.reason.contains("PUBLISH"))
    }

    @Test func aServerThatDoesNotKnowPublishAnyMoreIsLeftAtOnce() {
        rig.bringUp()
        rig.redis.refusals["PUBLISH"] = "ERR unknown command 'PUBLISH'"
        pass(seconds: 7)
        #expect(areLinksUp == [false, true])
    }

    @Test func oneTrialTellsWhetherAllPublishesAreRefused() {
        rig.bringUp()
        let app = rig.connect()
        rig.redis.refusals["PUBLISH"] = "ERR not now"
        app.write(.publish("a", "1", id: 1), .publish("a", "2", id: 2), .publish("a", "3", id: 3))
        rig.turn()
        rig.answerRole(0)
        rig.turn()
        #expect(rig.redis.publishCommands.count == 1 && areLinksUp == [true, true])
        rig.answerRole(0)
        rig.turn()
        #expect(app.takeAnswers() == ["1 refused", "2 refused", "3 refused"] && areLinksUp == [false, true])
    }

    @Test func aTrialThatIsTakenChangesNothing() {
        rig.bringUp()
        let app = rig.connect()
        rig.redis.refusals["PUBLISH"] = "ERR not this one"
        app.write(.publish("a", "1", id: 1))
        rig.turn()
        rig.answerRole(0)
        rig.redis.refusals = [:]
        rig.settle()
        #expect(app.takeLines() == ["1 refused"] && areLinksUp == [true, true])
    }

    // MARK: Role

    @Test func aMasterThatIsDemotedIsLeftAndNothingCountsBeforeAProbe() {
        rig.bringUp()
        rig.redis.roleName = "slave"
        pass(seconds: 7)
        #expect(areLinksUp == [false, false])
        #expect(rig.path.status.state == .down && rig.path.status.cause == .demoted)
        rig.redis.roleName = "master"
        rig.openPublishLink()
        rig.turn()
        #expect(!rig.path.status.publishing, "the path was bad")
        rig.bringUp()
        #expect(rig.path.status.state == .up)
    }

    /// The subscribe link is at the address where the publish link found a replica. It is doubted only once, since the
    /// address may be a balancer's.
    @Test func theSubscribeLinkIsDoubtedOnceWhereAReplicaWasFound() {
        rig.bringUp()
        rig.losePublishLink()
        rig.answersGreeting = { $0 == ["ROLE"] ? FakeRedis.role("slave") : nil }
        rig.attempt(rig.redisNode(0).publishLink)
        #expect(areLinksUp == [false, false])
        rig.answersGreeting = { _ in nil }
        rig.openSubscribeLink()
        rig.answersGreeting = { $0 == ["ROLE"] ? FakeRedis.role("slave") : nil }
        rig.attempt(rig.redisNode(0).publishLink)
        #expect(areLinksUp == [false, true])
    }

    // MARK: Of a cluster

    @Test func aMasterThatIsCutOffIsLeft() {
        let rig = HubRig.cluster(["a"], ["b"])
        rig.bringUp()
        let info = """
            cluster_state:fail\r\ncluster_slots_assigned:16384\r\ncluster_slots_ok:100\r\ncluster_slots_pfail:16284\r
            cluster_slots_fail:0\r\ncluster_known_nodes:3\r\ncluster_size:3\r\ncluster_current_epoch:1\r\n
            """
        rig.event { rig.redisNode(1).clusterInfoAnswered(.text(info)) }
        #expect(!rig.isPublishLinkUp(1) && !rig.isSubscribeLinkUp(1) && rig.isPublishLinkUp(0))
    }

    @Test func aProbeGoesByASlotThatItsNodeHas() {
        let rig = HubRig.cluster(["a"], ["b"])
        rig.bringUp()
        let channel = rig.redisNode(0).probeChannel
        rig.move([channel], to: 1)
        #expect(rig.redisNode(0).probeChannel != channel)
        let slot = rig.slot(of: rig.redisNode(0).probeChannel)
        #expect(Int(rig.hub.slots!.node(ofSlot: slot)) == rig.hubNode(0).index)
    }
}
