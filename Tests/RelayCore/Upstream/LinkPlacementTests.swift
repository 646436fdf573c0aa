import Configuration
import TestSupport
import Testing

@testable import RelayCore

private typealias Endpoint = RedisConfiguration.Endpoint

private func endpoint(_ number: Int) -> Endpoint { .tcp(host: "10.0.0.\(number)", port: 6379) }

private func rig(_ topology: RedisConfiguration.Topology) -> HubRig {
    var options = HubRig.Options()
    options.topology = topology
    return HubRig(options)
}

/// Where links connect to a server that is configured, or one of several.
@Suite struct ServerPlacementTests {
    private let rig: HubRig
    private var link: PublishLink { rig.redisNode(0).publishLink }

    init() { rig = RelayCoreTests.rig(.servers([endpoint(1), endpoint(2)])) }

    @Test func serversAreTriedInTheirOrder() {
        #expect(link.destination?.endpoint == endpoint(1))
        rig.refuse(link)
        #expect(link.destination?.endpoint == endpoint(2) && rig.socket(of: link).isConnecting)
        rig.refuse(link)
        #expect(!rig.socket(of: link).isConnecting, "after the last one it waits")
    }

    @Test func whereTheLastConnectionWasIsTriedWhenNoHostIsFound() {
        rig.refuse(link)
        rig.openPublishLink()
        rig.resolvesNames = false
        rig.losePublishLink()
        rig.event { link.wake() }
        rig.hub.now += 1_000_000
        rig.event { link.wake() }
        #expect(link.destination?.endpoint == endpoint(2) && rig.socket(of: link).isConnecting)
    }

    @Test func whatComesOfAnAttemptThatIsOverIsIgnored() {
        rig.openPublishLink()
        rig.event { link.resolved([Destination(endpoint: endpoint(3))]) }
        rig.event { link.connectingFailed("late") }
        rig.event { link.connected() }
        let app = rig.connect()
        app.write(.publish("a", "x", id: 1))
        rig.settle()
        #expect(link.isEstablished && link.destination?.endpoint == endpoint(1) && app.takeAnswers() == ["1 ok"])
    }

    @Test func aHostThatTookTooLongToFindIsSaidToHaveTimedOut() {
        rig.refuse(link)
        rig.refuse(link)
        rig.witness = { action in
            guard case .resolve(let link, _) = action else { return }
            link.resolvingEnded("redis", found: [])
        }
        rig.event { rig.upstream.reload() }
        rig.event { link.wake() }
        #expect(link.failure?.reason.contains("resolving redis: timed out") == true)
    }
}

/// Where links connect when sentinels say where the master is.
@Suite struct SentinelPlacementTests {
    private let rig: HubRig
    private var node: RedisNode { rig.redisNode(0) }
    private var sentinels: Sentinels { rig.upstream.sentinels! }

    init() { rig = RelayCoreTests.rig(.sentinel([endpoint(101), endpoint(102)], service: "main")) }

    private func name(_ number: Int, epoch: UInt64) {
        let master = SentinelView.Master(host: "10.0.0.\(number)", port: 6379)
        rig.event { sentinels.answered(sentinels.links[0], master, epoch: epoch) }
    }

    private func fail(_ index: Int) {
        rig.event { sentinels.links[index].fail(LinkFailure(cause: .unreachable, reason: "refused")) }
    }

    @Test func linksWaitForTheFirstWordAndGoThere() {
        #expect(node.links.allSatisfy { !rig.socket(of: $0).isConnecting && $0.failure == nil })
        name(1, epoch: 1)
        #expect(node.links.allSatisfy { rig.socket(of: $0).isConnecting && $0.destination?.endpoint == endpoint(1) })
    }

    @Test func linksWaitAsLongAsASentinelMayAnswer() {
        fail(0)
        #expect(node.links.allSatisfy { $0.failure == nil })
        fail(1)
        #expect(node.links.allSatisfy { $0.failure?.reason.contains("no sentinel reports where") == true })
    }

    @Test func whoIsConnectedElsewhereLeaves() {
        name(1, epoch: 1)
        rig.bringUp()
        #expect(rig.path.status.state == .up)
        name(2, epoch: 2)
        #expect(rig.path.status.state == .down && rig.path.status.cause == .demoted)
        for link in node.links { rig.event { link.wake() } }
        #expect(node.links.allSatisfy { $0.destination?.endpoint == endpoint(2) && rig.socket(of: $0).isConnecting })
    }

    @Test func whoIsThereAlreadyStays() {
        name(1, epoch: 1)
        rig.bringUp()
        name(1, epoch: 2)
        rig.tick()
        #expect(rig.path.status.state == .up && rig.path.status.outages == 0)
        #expect(rig.lines.count { $0.message == "the sentinels name the master" } == 1)
    }

    /// The relay must not fall back on the address of a former master.
    @Test func aFormerMasterIsNotTriedWhenNoHostIsFound() {
        name(1, epoch: 1)
        rig.bringUp()
        rig.resolvesNames = false
        name(2, epoch: 2)
        for link in node.links { rig.event { link.wake() } }
        #expect(node.links.allSatisfy { !rig.socket(of: $0).isConnecting })
    }
}

/// Where links connect to a cluster in which any member will do.
@Suite struct MemberPlacementTests {
    private let rig: HubRig
    private var node: RedisNode { rig.redisNode(0) }
    private var cluster: Cluster { rig.upstream.cluster! }

    init() { rig = RelayCoreTests.rig(.cluster([endpoint(200)], .classic)) }

    private func tell(masters: ClosedRange<Int>, replicas: [Int] = [], epoch: UInt64 = 1) {
        let share = HashSlots.count / masters.count
        let told = masters.enumerated().map { index, number in
            let last = index == masters.count - 1 ? HashSlots.count - 1 : (index + 1) * share - 1
            return ClusterTopology.Master(
                address: .init(host: "10.0.0.\(number)", port: 6379),
                slots: [UInt16(index * share)...UInt16(last)], id: "")
        }
        let others = replicas.map { ClusterTopology.Address(host: "10.0.0.\($0)", port: 6379) }
        rig.event { _ = cluster.answered(ClusterTopology(masters: told, others: others)!, epoch: epoch) }
    }

    @Test func linksWaitUntilAMemberHasToldWhoBelongsToIt() {
        #expect(node.links.allSatisfy { !rig.socket(of: $0).isConnecting && $0.failure == nil })
        tell(masters: 1...3)
        #expect(node.links.allSatisfy { rig.socket(of: $0).isConnecting })
    }

    @Test func theyAreNotWhereNoMemberIsToBeReached() {
        rig.event { cluster.link.fail(LinkFailure(cause: .unreachable, reason: "refused")) }
        #expect(node.links.allSatisfy { $0.failure?.reason.contains("no member of the cluster reports") == true })
    }

    /// So a probe takes the way that messages take.
    @Test func eachLinkIsAtAnotherMember() {
        tell(masters: 1...2)
        rig.bringUp()
        for _ in 0..<20 {
            rig.losePublishLink()
            rig.openPublishLink()
            #expect(node.publishLink.destination?.endpoint != node.subscribeLink.destination?.endpoint)
        }
    }

    @Test func membersThatLiveComeFirstAndTheOneThatWasLeftComesLast() {
        tell(masters: 1...5)
        rig.bringUp()
        let living = Set(node.links.map { $0.destination!.endpoint })
        for _ in 0..<20 {
            let candidates = cluster.candidates(after: endpoint(3), mastersFirst: false)
            #expect(
                Set(candidates.filter { $0 != endpoint(3) }.prefix(living.subtracting([endpoint(3)]).count))
                    == living.subtracting([endpoint(3)]))
            #expect(candidates.last == endpoint(3) && Set(candidates) == Set((1...5).map(endpoint) + [endpoint(200)]))
        }
    }

    @Test func whoIsToTellOfTheClusterHadBetterBeAMaster() {
        tell(masters: 1...2, replicas: [11, 12, 13])
        for _ in 0..<20 {
            let candidates = cluster.candidates(after: nil, mastersFirst: true)
            #expect(Set(candidates.prefix(2)) == [endpoint(1), endpoint(2)])
        }
    }

    @Test func ofManyMembersSomeAreTriedAndThoseThatAreConfigured() {
        tell(masters: 1...50)
        let candidates = cluster.candidates(after: nil, mastersFirst: true)
        #expect(candidates.count == 17 && candidates.last == endpoint(200))
    }
}
