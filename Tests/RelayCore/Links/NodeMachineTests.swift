import Testing

@testable import RelayCore

/// What the two links of a node make together, with the default timings. Times are in milliseconds.
private final class Node {
    var machine: NodeMachine
    var random = SeededGenerator(seed: 3)
    private var probe: UInt64 = 0

    init(probed: Bool = true) {
        machine = NodeMachine(
            probe: Probe(interval: probed ? 5000.ms : nil, deadline: 5000.ms), role: RoleCheck(interval: 5000.ms))
    }

    static func up(at now: Int = 0) -> Node {
        let node = Node()
        node.publishLinkUp(at: now)
        node.subscribeLinkUp()
        _ = node.probe(now)
        return node
    }

    func publishLinkUp(at now: Int = 0, roleUnavailable: String? = nil) {
        machine.publishLinkUp(roleUnavailable: roleUnavailable, now: now.ms, using: &random)
    }

    func subscribeLinkUp() {
        machine.subscribeLinkUp()
        machine.becameWhole()
    }

    func tick(_ now: Int) -> NodeMachine.Orders { machine.tick(now: now.ms) }

    /// A probe is published, answered and heard; false if none was due.
    func probe(_ now: Int) -> Bool {
        guard let number = tick(now).probe else { return false }
        machine.probeAnswered(number)
        return machine.probeHeard(number, now: now.ms, using: &random) != nil
    }

    var state: [Bool] { [machine.publishing, machine.receiving] }
}

@Suite struct NodeMachineTests {
    @Test func withBothLinksUpNothingCountsBeforeAProbeHasComeBack() {
        let node = Node()
        node.machine.subscribeLinkUp()
        node.publishLinkUp()
        #expect(node.state == [true, false], "one link is away: its own confirmations must do")
        #expect(node.tick(0).probe == nil, "not everything held is confirmed")
        node.machine.becameWhole()
        #expect(node.state == [true, false], "receiving did not count before, so it needs the proof")
        let isBack = node.probe(1)
        #expect(isBack)
        #expect(node.state == [true, true])
    }

    @Test func whenBothComeTogetherNeitherCountsUnproven() {
        let node = Node()
        node.subscribeLinkUp()
        #expect(node.state == [false, true])
        node.machine.subscribeLinkDown()
        node.machine.subscribeLinkUp()
        node.publishLinkUp()
        node.machine.publishLinkDown()
        node.machine.becameWhole()
        node.publishLinkUp()
        #expect(node.state == [false, true], "publishing needs a probe now")
        #expect(node.probe(0) && node.state == [true, true])
    }

    @Test func oneLinkLostLeavesTheOtherDirectionAndASecondGapIsCounted() {
        let node = Node.up()
        node.machine.subscribeLinkDown()
        #expect(node.state == [true, false] && node.machine.gaps == 1)
        node.subscribeLinkUp()
        #expect(node.state == [true, false])
        #expect(node.probe(1) && node.state == [true, true])
        node.machine.publishLinkDown()
        #expect(node.state == [false, true] && node.machine.gaps == 1, "receiving did not break")
        node.publishLinkUp(at: 2)
        #expect(node.state == [false, true])
        #expect(node.probe(2) && node.state == [true, true])
    }

    /// The path was found to be deaf. A fresh connection does not prove that it hears again.
    @Test func afterABadPathNothingCountsBeforeAProbeHasComeBack() {
        let node = Node.up()
        var now = 0
        var failure: LinkFailure?
        while failure == nil, now < 60_000 {
            now += 250
            let orders = node.tick(now)
            if let number = orders.probe { node.machine.probeAnswered(number) }
            if orders.pingsSubscribeLink { node.machine.backlogRead(now: now.ms) }
            failure = orders.failure
        }
        #expect(failure?.cause == .probe && now <= 6000 + 5000 + 750, "found out at \(now) ms")
        node.machine.distrust()
        #expect(node.state == [false, false] && node.machine.gaps == 1)
        node.machine.publishLinkDown()
        node.machine.subscribeLinkDown()
        node.publishLinkUp(at: now)
        #expect(node.state == [false, false], "no OK on a path known to be bad")
        node.subscribeLinkUp()
        #expect(node.state == [false, false])
        #expect(node.probe(now) && node.state == [true, true])
        node.machine.subscribeLinkDown()
        #expect(node.state == [true, false], "it has been trusted again since")
    }

    @Test func withoutAProbeTheLinksMustDo() {
        let node = Node(probed: false)
        node.publishLinkUp()
        node.subscribeLinkUp()
        #expect(node.state == [true, true])
        node.machine.distrust()
        node.machine.publishLinkDown()
        node.machine.subscribeLinkDown()
        node.publishLinkUp()
        node.subscribeLinkUp()
        #expect(node.state == [true, true], "a demoted master left; the greeting has looked at the role")
    }

    @Test func aProbeThatRedisRefusesIsDoneWithout() {
        let node = Node()
        node.publishLinkUp()
        node.subscribeLinkUp()
        #expect(node.tick(0).probe != nil && node.state == [true, false])
        node.machine.probeRefused("NOPERM")
        #expect(node.state == [true, true] && node.machine.probe.unavailable == "NOPERM")
        #expect(node.tick(60_000).probe == nil)
        node.machine.subscribeLinkDown()
        node.subscribeLinkUp()
        #expect(node.tick(60_001).probe != nil, "another connection may be allowed more")
    }

    /// If Redis denies the relay's own channel, only the names of apps show that any other channel is allowed. Distrust
    /// that began while probes were denied, or before, is forgotten.
    @Test func aDeniedProbeLeavesNoDistrustBehind() {
        let before = Node.up()
        before.machine.distrust()
        before.machine.probeRefused("NOPERM")
        #expect(before.state == [true, true])
        before.machine.probeAllowed()
        #expect(before.state == [true, true], "it goes on until a probe tells")
        let meanwhile = Node.up()
        meanwhile.machine.probeRefused("NOPERM")
        meanwhile.machine.distrust()
        meanwhile.machine.subscribeLinkDown()
        meanwhile.subscribeLinkUp()
        #expect(meanwhile.state == [true, false])
    }

    @Test func withoutAnyChannelItIsNotReceiving() {
        for probed in [true, false] {
            let node = Node(probed: probed)
            node.publishLinkUp()
            node.machine.subscribeLinkUp()
            node.machine.ownChannelDenied()
            node.machine.probeRefused("NOPERM")
            node.machine.becameWhole()
            #expect(node.state == [true, !probed], "without probes the doubt is in favour")
            node.machine.channelRefused()
            #expect(node.state == [true, false] && node.machine.awaitsProofInVain)
            node.machine.channelSeen()
            #expect(node.state == [true, true])
            node.machine.channelRefused()
            #expect(node.state == [true, true], "one that is refused says nothing of others")
            node.machine.subscribeLinkDown()
            node.machine.subscribeLinkUp()
            node.machine.ownChannelDenied()
            node.machine.probeRefused("NOPERM")
            node.machine.becameWhole()
            #expect(node.state == [true, !probed], "the list may be another one now")
            node.machine.channelsTold(.granted)
            #expect(node.state == [true, true])
        }
    }

    @Test func whatWasDeniedIsUsedOnceItIsGranted() {
        let node = Node()
        node.publishLinkUp(roleUnavailable: "NOPERM")
        node.machine.subscribeLinkUp()
        node.machine.channelsTold(.granted)
        node.machine.ownChannelDenied()
        node.machine.probeRefused("NOPERM")
        node.machine.becameWhole()
        #expect(node.state == [true, true] && node.tick(60_000) == .init())
        node.machine.ownChannelGranted()
        node.machine.probeAllowed()
        #expect(node.state == [true, true], "no outage for it")
        #expect(node.probe(60_001))
        node.machine.askRoleAgain()
        #expect(node.tick(60_002).asksRole)
        #expect(!node.tick(70_000).asksRole, "one question at a time")
        node.machine.roleRefused("NOPERM")
        #expect(!node.tick(80_000).asksRole)
        node.machine.askRoleAgain()
        #expect(node.tick(80_001).asksRole)
        node.machine.roleGranted()
        node.machine.roleConfirmed(now: 80_002.ms, using: &node.random)
        #expect(node.tick(90_000).asksRole && node.machine.role.unavailable == nil)
    }

    @Test func oldProbesProveNothing() {
        let node = Node.up()
        guard let number = node.tick(10_000).probe else {
            Issue.record("no probe")
            return
        }
        node.machine.subscribeLinkDown()
        node.subscribeLinkUp()
        #expect(node.machine.probeHeard(number, now: 10_001.ms, using: &node.random) == nil)
        #expect(node.state == [true, false])
        #expect(node.probe(10_002) && node.state == [true, true])
    }
}

@Suite struct RoleCheckTests {
    /// When the role is asked within a minute, if each question is answered at once.
    private func askedAt(_ node: Node) -> [Int] {
        (0..<6000).map { $0 * 10 }.filter { now in
            guard node.tick(now).asksRole else { return false }
            node.machine.roleConfirmed(now: now.ms, using: &node.random)
            return true
        }
    }

    @Test(arguments: [true, false]) func itIsAskedAboutEveryFiveSecondsWhateverBecomesOfTheProbe(probed: Bool) {
        let node = Node(probed: probed)
        node.publishLinkUp()
        let times = askedAt(node)
        #expect(times.count >= 10 && times.count <= 15, "\(times)")
        for (earlier, later) in zip([0] + times, times) {
            #expect(later - earlier >= 4000 && later - earlier <= 6010)
        }
        #expect(Set(zip(times, times.dropFirst()).map { $1 - $0 }).count > 3, "a fleet does not ask in step")
    }

    @Test func itIsNotAskedAgainBeforeTheAnswer() {
        let node = Node()
        node.publishLinkUp()
        #expect(node.tick(10_000).asksRole)
        #expect(!node.tick(10_001).asksRole && !node.tick(60_000).asksRole)
        node.machine.roleNotAsked()
        #expect(node.tick(60_001).asksRole, "there had been no room for it")
    }

    @Test func aBrokenSubscribeLinkIsCauseForSuspicion() {
        let node = Node.up()
        #expect(!node.tick(100).asksRole)
        node.machine.subscribeLinkDown()
        node.subscribeLinkUp()
        #expect(node.tick(101).asksRole)
    }

    @Test func aServerThatDoesNotSayIsNotAskedAgain() {
        let node = Node()
        node.publishLinkUp(roleUnavailable: "ERR unknown command 'ROLE'")
        #expect(!node.tick(60_000).asksRole)
        node.machine.publishLinkDown()
        node.publishLinkUp(at: 60_000)
        #expect(node.machine.role.unavailable == nil)
        #expect(node.tick(70_000).asksRole, "another connection may be answered")
        node.machine.roleRefused("NOPERM")
        #expect(!node.tick(160_000).asksRole && node.machine.role.unavailable == "NOPERM")
    }

    @Test func withoutAPublishLinkNothingIsAsked() {
        let node = Node.up()
        node.machine.publishLinkDown()
        #expect(node.tick(60_000) == NodeMachine.Orders())
    }
}

@Suite struct NodeSetTests {
    @Test func theSetIsUpOnlyWithAllOfThem() {
        var set = NodeSet(
            (0..<3).map { _ in
                NodeMachine(
                    probe: Probe(interval: nil, deadline: 0), role: RoleCheck(interval: 1))
            })
        var path = PathState(now: 0, unixMilliseconds: 0)
        var random = SeededGenerator(seed: 1)
        var states: [State] = []
        func look() {
            _ = path.update(set, failure: nil, now: 1, unixMilliseconds: 1)
            states.append(path.status.state)
        }
        for number in 0..<3 {
            set.nodes[number].publishLinkUp(roleUnavailable: nil, now: 0, using: &random)
            set.nodes[number].subscribeLinkUp()
            set.nodes[number].becameWhole()
            look()
        }
        #expect(states == [.degraded, .degraded, .up])
        set.nodes[1].subscribeLinkDown()
        look()
        #expect(path.status.state == .degraded && path.status.publishing && !path.status.receiving)
        set.nodes[2].subscribeLinkDown()
        let isTold = path.update(set, failure: nil, now: 1, unixMilliseconds: 1)
        #expect(isTold, "another gap")
        #expect(path.status.gaps == 2 && path.status.outages == 1)
        for number in 0..<3 { set.nodes[number].publishLinkDown() }
        set.nodes[0].subscribeLinkDown()
        look()
        #expect(path.status.state == .down)
    }
}
