import Testing

@testable import RelayCore

/// The nodes of a cluster together, and slots that no node has.
@Suite struct SlotsAwayTests {
    private func node(publishes: Bool = true, receives: Bool = true) -> NodeMachine {
        var machine = NodeMachine(probe: Probe(interval: nil, deadline: 0), role: RoleCheck(interval: 1000.ms))
        var random = SeededGenerator(seed: 1)
        if publishes { machine.publishLinkUp(roleUnavailable: nil, now: 0, using: &random) }
        if receives {
            machine.subscribeLinkUp()
            machine.becameWhole()
        }
        return machine
    }

    @Test func allOfThemSomeOrNone() {
        #expect(NodeSet([]).publishing == .none && NodeSet([]).receiving == .none)
        let set = NodeSet([node(), node(receives: false)])
        #expect(set.publishing == .all && set.receiving == .some)
        let deaf = NodeSet([node(receives: false), node(publishes: false, receives: false)])
        #expect(deaf.publishing == .some && deaf.receiving == .none)
    }

    @Test func slotsThatNoNodeHasAreMissing() {
        var set = NodeSet([node(), node()])
        set.slotsWithoutNode = 1
        #expect(set.publishing == .some && set.receiving == .some)
        set.slotsWithoutNode = 0
        #expect(set.publishing == .all && set.receiving == .all)
        var away = NodeSet([node(publishes: false, receives: false)])
        away.slotsWithoutNode = 16_384
        #expect(away.publishing == .none && away.receiving == .none)
        var none = NodeSet([])
        none.slotsWithoutNode = 16_384
        #expect(none.publishing == .none)
    }

    @Test func gapsAreThoseOfAllNodesAndOfNone() {
        var broken = node()
        broken.subscribeLinkDown()
        var set = NodeSet([broken, broken, node()])
        set.otherGaps = 5
        #expect(set.gaps == 7)
        set.nodes.removeFirst()
        #expect(set.gaps == 6)
    }

    @Test func theSummaryDiffersByWhatAppsAreTold() {
        let set = NodeSet([node(), node()])
        var (fewer, broken) = (set, set)
        fewer.slotsWithoutNode = 3
        broken.otherGaps = 1
        #expect(set.summary == NodeSet([node(), node()]).summary)
        #expect(Set([set, fewer, broken, NodeSet([node()])].map(\.summary)).count == 4)
    }

    @Test func theStatusSaysSo() {
        var path = PathState(now: 0, unixMilliseconds: 0)
        let failure = LinkFailure(cause: .topology, reason: "3 of 16384 slots cannot be used")
        var set = NodeSet([node()])
        func update(_ failure: LinkFailure?) -> Bool { path.update(set, failure: failure, now: 1, unixMilliseconds: 1) }
        set.slotsWithoutNode = 3
        let isTold = update(failure)
        #expect(isTold && path.status.state == .degraded && path.status.reason == failure.reason)
        #expect(!path.status.publishing && !path.status.receiving && path.status.cause == .topology)
        set.slotsWithoutNode = 2
        let isProgressTold = update(failure)
        set.slotsWithoutNode = 0
        let isRecoveryTold = update(nil)
        #expect(isProgressTold && isRecoveryTold && path.status.state == .up)
        set.otherGaps = 1
        let isGapTold = update(nil)
        let isNothingTold = !update(nil)
        #expect(isGapTold && isNothingTold && path.status.gaps == 1)
    }
}
