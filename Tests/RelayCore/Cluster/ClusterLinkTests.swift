import RESP
import TestSupport
import Testing

@testable import RelayCore

/// The link that asks a member how the cluster is: when it asks, and what it does with the answers.
@Suite struct ClusterLinkTests {
    private let rig = HubRig.cluster(["a"], ["b"])

    init() {
        rig.bringUp()
        rig.event { link.resolved([Destination(endpoint: SimulatedNode.endpoint(0))]) }
        rig.event { link.connected() }
        for command in rig.take(link.output) { rig.event { link.replied(rig.answerToGreeting(command)) } }
        #expect(link.isEstablished && asked() == ["CLUSTER INFO"])
        answerInfo()
        #expect(asked() == ["CLUSTER SLOTS"])
        answerSlots()
        #expect(asked() == [])
    }

    private var link: ClusterLink { rig.upstream.cluster!.link }

    /// What has been written since the last call.
    private func asked() -> [String] {
        rig.take(link.output).map { $0.map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ") }
    }

    private func answerInfo(epoch: UInt64? = nil) {
        let fields = [
            "cluster_state:ok", "cluster_slots_assigned:16384", "cluster_slots_ok:16384", "cluster_slots_pfail:0",
            "cluster_slots_fail:0", "cluster_known_nodes:2", "cluster_size:2",
            "cluster_current_epoch:\(epoch ?? rig.epoch)",
        ]
        rig.event { link.replied(.bulk(Array(fields.joined(separator: "\r\n").utf8))) }
    }

    /// The member answers with what the relay already knows.
    private func answerSlots() {
        let masters = rig.upstream.cluster!.view.topology!.masters
        answerSlots(masters.flatMap { master in master.slots.map { ($0, master.address) } })
    }

    private func answerSlots(_ ranges: [(slots: ClosedRange<UInt16>, owner: ClusterTopology.Address)]) {
        let entries = ranges.map { slots, owner in
            RESP.RedisValue.array([
                .integer(Int64(slots.lowerBound)), .integer(Int64(slots.upperBound)),
                .array([.bulk(Array(owner.host.utf8)), .integer(Int64(owner.port)), .bulk([])]),
            ])
        }
        rig.event { link.replied(.array(entries)) }
    }

    @Test func whenANodeLosesASlotItIsAskedUntilThereIsNews() {
        rig.event { rig.upstream.cluster!.slotLost() }
        for _ in 0..<3 {
            #expect(asked() == ["CLUSTER INFO"])
            answerInfo()
            #expect(asked() == ["CLUSTER SLOTS"])
            answerSlots()
            #expect(asked() == [], "not before a pause is over")
            rig.event { rig.upstream.cluster!.slotLost() }
            #expect(asked() == [], "nor when more are lost meanwhile")
            rig.fire(.refresh)
        }
        #expect(asked() == ["CLUSTER INFO"])
        answerInfo(epoch: rig.epoch + 1)
        #expect(asked() == ["CLUSTER SLOTS"])
        answerSlots([(0...16383, .init(host: "127.0.0.1", port: UInt16(Membership.firstPort)))])
        #expect(asked() == [] && !rig.timers.contains(.refresh))
    }

    @Test func whenALinkToANodeFailsItIsAsked() {
        rig.loseSubscribeLink(1)
        #expect(asked() == ["CLUSTER INFO"])
    }

    /// A member that does not answer on the link of its node will not answer on this link either.
    @Test func whereANodesLinkHasTimedOutTheMemberIsLeft() {
        let timeout = LinkFailure(cause: .timeout, reason: "no answer")
        rig.event { rig.redisNode(1).publishLink.fail(timeout) }
        #expect(link.isEstablished && asked() == ["CLUSTER INFO"], "another member")
        rig.event { rig.redisNode(0).publishLink.fail(timeout) }
        #expect(!link.isEstablished)
    }

    private func refresh(epoch: UInt64? = nil) {
        rig.event { rig.upstream.cluster!.slotLost() }
        answerInfo(epoch: epoch)
        _ = asked()
    }

    @Test func aMemberThatIsBehindTheOthersIsLeft() {
        refresh(epoch: rig.epoch - 1)
        answerSlots()
        #expect(!link.isEstablished && link.failure?.reason.contains("behind the others") == true)
    }

    @Test func mastersWithoutAPortForSuchConnectionsAreToldAsThat() {
        refresh()
        answerSlots([])
        #expect(!link.isEstablished && link.failure?.reason.contains("no master has a port") == true)
    }

    @Test func aClusterOfThousandsIsNone() {
        refresh(epoch: rig.epoch + 1)
        answerSlots((0..<2001).map { ($0...$0, .init(host: "10.0.\($0 / 256).\($0 % 256)", port: 6379)) })
        #expect(!link.isEstablished && rig.upstream.nodes.count == 2)
    }

    @Test func whatIsNoAnswerEndsIt() {
        refresh()
        rig.event { link.replied(.array([.nilValue])) }
        #expect(!link.isEstablished && link.failure?.cause == .protocolError)
    }
}
