import Testing

@testable import RelayCore

/// A node has got names that it has not confirmed yet. So it does not receive all of its share, but it needs no new
/// probe to receive it again.
@Suite final class MissingNamesTests {
    private var machine = NodeMachine(
        probe: Probe(interval: 5000.ms, deadline: 5000.ms), role: RoleCheck(interval: 5000.ms))
    private var random = SeededGenerator(seed: 3)

    init() {
        machine.publishLinkUp(roleUnavailable: nil, now: 0, using: &random)
        machine.subscribeLinkUp()
        machine.becameWhole()
        prove(at: 0)
        // The check of the role, which was demanded together with the probe.
        machine.roleConfirmed(now: 0, using: &random)
    }

    private func tick(_ now: Int) -> NodeMachine.Orders { machine.tick(now: now.ms) }

    private func hear(_ number: UInt64?, _ now: Int) -> UInt64? {
        machine.probeHeard(number ?? 0, now: now.ms, using: &random)
    }

    private func prove(at now: Int) {
        guard let number = machine.tick(now: now.ms).probe else { return }
        machine.probeAnswered(number)
        _ = machine.probeHeard(number, now: now.ms, using: &random)
    }

    @Test func itIsNotReceivingUntilTheyAreConfirmed() {
        #expect(machine.receiving && !machine.isMissingNames)
        machine.subscriptionsMissing()
        #expect(!machine.receiving && machine.publishing && machine.isMissingNames)
        machine.becameWhole()
        #expect(machine.receiving && !machine.isMissingNames)
    }

    @Test func itIsNoGapOfTheNode() {
        machine.subscriptionsMissing()
        machine.subscriptionsMissing()
        machine.becameWhole()
        #expect(machine.gaps == 0)
        machine.subscribeLinkDown()
        #expect(machine.gaps == 1)
    }

    @Test func noProbeAndNoRoleIsAskedForIt() {
        machine.subscriptionsMissing()
        #expect(tick(1) == .init())
        machine.becameWhole()
        #expect(tick(2) == .init() && machine.receiving)
    }

    /// The node's other names were heard all the time, and are not heard any more.
    @Test func aLinkThatIsLostMeanwhileIsAGap() {
        machine.subscriptionsMissing()
        machine.subscriptionsMissing()
        machine.subscribeLinkDown()
        #expect(machine.gaps == 1 && !machine.isMissingNames)
        machine.subscribeLinkUp()
        machine.subscribeLinkDown()
        #expect(machine.gaps == 1, "there was nothing to lose")
    }

    @Test func aNewLinkIsProvenAnewAndIsMissingNothing() {
        machine.subscriptionsMissing()
        machine.subscribeLinkDown()
        machine.subscribeLinkUp()
        #expect(!machine.isMissingNames, "it is being restored")
        machine.becameWhole()
        #expect(!machine.receiving)
        let orders = tick(1)
        #expect(orders.probe != nil && orders.asksRole)
    }

    @Test func whatIsDistrustedStaysSo() {
        machine.subscriptionsMissing()
        machine.distrust()
        machine.becameWhole()
        #expect(!machine.receiving && !machine.publishing)
    }

    @Test func aRenewedProbeIsDueAtOnceAndTheOldOneCountsNoMore() {
        let first = tick(7000).probe
        machine.renewProbe()
        let second = tick(7001).probe
        #expect(first != nil && second != nil && first != second && machine.receiving)
        #expect(hear(first, 7002) == nil)
        #expect(hear(second, 7003) == 2.ms)
    }

    /// Nodes whose probes go the same way at different times must not take each other's for their own.
    @Test func probesAreNumberedFromWhereTheyAreToldTo() {
        var probe = Probe(interval: 1000.ms, deadline: 1000.ms, firstNumber: 3 << 32)
        let action = probe.tick(now: 0)
        #expect(action == .publish(number: 3 << 32 + 1))
    }
}
