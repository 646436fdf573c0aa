@testable import RelayCore

/// One Redis node of a `HubRig`, with the two links to it, which need no probe.
final class SimulatedNode {
    let feed: HubNode
    let redis = FakeRedis()
    var machine = NodeMachine(probe: Probe(interval: nil, deadline: 0), role: RoleCheck(interval: 5_000_000_000))
    var isPublishLinkUp = false
    var isSubscribeLinkUp = false
    /// Whether the subscribe link writes; if not, what there is to tell waits in the hub.
    var takesCommands = true
    /// What is written and waits in the relay's backlog.
    var publishBacklog: [UInt8] = []
    var random = SeededGenerator(seed: 7)

    init(feed: HubNode) { self.feed = feed }

    /// The publish link is gone.
    /// - Returns: the bytes of its backlog, which never left.
    func dropPublishBacklog() -> Int {
        defer { publishBacklog = [] }
        return publishBacklog.count
    }
}
