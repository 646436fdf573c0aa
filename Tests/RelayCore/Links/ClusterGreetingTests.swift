import Testing

@testable import RelayCore

/// What a link asks a member of a cluster before the link is used, and which members are rejected.
@Suite struct ClusterGreetingTests {
    private static func info(state: String = "fail", assigned: Int = 16_384, ok: Int) -> String {
        """
        cluster_state:\(state)
        cluster_slots_assigned:\(assigned)
        cluster_slots_ok:\(ok)
        cluster_slots_pfail:0
        cluster_slots_fail:0
        cluster_known_nodes:6
        cluster_size:3
        cluster_current_epoch:6
        """
    }

    /// Answers everything before CLUSTER INFO well, and CLUSTER INFO with `answer`.
    private func greet(_ server: ServerKind, role: String = "master", _ answer: LinkMachine.Reply) -> LinkMachine.Action
    {
        var link = Link(expects: server)
        link.connect(0)
        _ = link.machine.connected(now: 0, secret: nil)
        #expect(link.machine.greeted(.status("OK"), now: 0) == .none)
        let action = link.machine.greeted(.role(role), now: 0)
        guard action == .none else { return action }
        let informed = link.machine.greeted(answer, now: 0)
        guard informed == .none else { return informed }
        return link.machine.greeted(.status("PONG"), now: 0)
    }

    private func cause(_ action: LinkMachine.Action) -> Cause? {
        if case .fail(let failure) = action { failure.cause } else { nil }
    }

    private func steps(_ server: ServerKind, secret: String?) -> [LinkMachine.GreetingStep] {
        var link = Link(expects: server)
        link.connect(0)
        return link.machine.connected(now: 0, secret: secret)
    }

    @Test(arguments: [ServerKind.clusterMaster, .clusterMember])
    func theClusterIsAskedAfter(server: ServerKind) {
        #expect(steps(server, secret: "s") == [.auth, .setName, .role, .clusterInfo, .ping])
        #expect(greet(server, .text(LinkMachine.GreetingStep.goodClusterInfo)) == .established)
    }

    @Test(arguments: [ServerKind.redis, .sentinel])
    func otherServersAreNot(server: ServerKind) {
        #expect(!steps(server, secret: nil).contains(.clusterInfo))
    }

    @Test func aMemberThatIsCutOffIsNotUsed() {
        for ok in [0, 1, 8_192] {
            #expect(cause(greet(.clusterMember, .text(Self.info(ok: ok)))) == .topology, "\(ok)")
        }
        #expect(greet(.clusterMember, .text(Self.info(ok: 8_193))) == .established, "most of it is there")
        #expect(greet(.clusterMember, .text(Self.info(state: "ok", ok: 1))) == .established)
        let alone = greet(.clusterMember, .text(Self.info(state: "ok", assigned: 0, ok: 0)))
        #expect(cause(alone) == .topology, "it was taken out of its cluster")
        guard case .fail(let failure) = greet(.clusterMaster, .text(Self.info(assigned: 100, ok: 50))) else {
            Issue.record("half of the assigned slots are not most of them")
            return
        }
        #expect(failure.reason.contains("50 of 100 slots"))
    }

    @Test func aServerWithoutShardedPubSubIsTold() {
        for text in ["ERR unknown command 'SSUBSCRIBE', with args", "ERR unknown command `SPUBLISH`"] {
            #expect(LinkFailure.classify(shardedError: text)?.cause == .topology)
        }
        #expect(LinkFailure.classify(shardedError: "ERR unknown command 'SUBSCRIBE'") == nil)
    }

    @Test func anAnswerThatIsNoneEndsIt() {
        for answer in [LinkMachine.Reply.text("hello"), .text(""), .status("OK"), .role("master"), .other] {
            #expect(cause(greet(.clusterMaster, answer)) == .protocolError, "\(answer)")
        }
    }

    @Test func whatAnACLDeniesIsDoneWithout() {
        var link = Link(expects: .clusterMaster)
        link.connect(0)
        _ = link.machine.connected(now: 0, secret: nil)
        _ = link.machine.greeted(.status("OK"), now: 0)
        _ = link.machine.greeted(.role("master"), now: 0)
        #expect(link.machine.greeted(.error("NOPERM no cluster|info"), now: 0) == .none)
        #expect(link.machine.greeted(.status("PONG"), now: 0) == .established)
        #expect(link.machine.fallbacks == [.init(step: .clusterInfo, text: "NOPERM no cluster|info")])
    }

    @Test func aServerThatIsNoMemberIsNotUsed() {
        let text = "ERR This instance has cluster support disabled"
        for server in [ServerKind.clusterMaster, .clusterMember] {
            #expect(cause(greet(server, .error(text))) == .topology)
        }
        #expect(LinkFailure.classify(clusterError: text)?.cause == .topology)
        #expect(LinkFailure.classify(clusterError: "ERR unknown subcommand") == nil)
        #expect(LinkFailure.classify(clusterError: "") == nil)
    }

    @Test(
        arguments: [
            (ServerKind.redis, "slave", Cause.demoted), (.redis, "replica", .demoted), (.redis, "sentinel", .topology),
            (.clusterMaster, "slave", .demoted), (.clusterMaster, "replica", .demoted),
            (.clusterMaster, "sentinel", .topology), (.clusterMember, "sentinel", .topology),
            (.sentinel, "master", .topology), (.sentinel, "slave", .topology),
        ])
    func whoIsTurnedAway(server: ServerKind, role: String, cause: Cause) {
        #expect(LinkFailure.classify(role: role, expected: server)?.cause == cause)
    }

    @Test(
        arguments: [
            (ServerKind.redis, "master"), (.clusterMaster, "master"), (.clusterMember, "master"),
            (.clusterMember, "slave"), (.clusterMember, "replica"), (.sentinel, "sentinel"),
        ])
    func whoIsNot(server: ServerKind, role: String) {
        #expect(LinkFailure.classify(role: role, expected: server) == nil)
    }

    @Test func whatAMemberSaysLater() {
        #expect(LinkFailure.classify(clusterInfo: Self.info(state: "ok", ok: 16_384)) == nil)
        #expect(LinkFailure.classify(clusterInfo: Self.info(ok: 10_923)) == nil, "a third of it is away")
        #expect(LinkFailure.classify(clusterInfo: Self.info(ok: 5_461))?.cause == .topology)
        #expect(LinkFailure.classify(clusterInfo: "cluster_state:ok")?.cause == .protocolError)
    }
}
