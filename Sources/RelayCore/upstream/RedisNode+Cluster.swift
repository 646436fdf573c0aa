internal import Configuration

/// What a node does as a part of a cluster. Its probe uses a channel whose slot it has, and it may be cut off from the
/// other nodes.
extension RedisNode {
    /// The server has answered CLUSTER INFO.
    func clusterInfoAnswered(_ reply: LinkMachine.Reply) {
        guard case .text(let text) = reply, let failure = LinkFailure.classify(clusterInfo: text) else { return }
        giveUp(failure)
    }

    private static let (shortestRetry, longestRetry): (UInt64, UInt64) = (250_000_000, 4_000_000_000)

    /// Tries names again that the node did not take. While no node has their slots, it goes on like this, with longer
    /// pauses.
    func retryMisplaced() {
        if hubNode.isWhole { misplacedRetry.pause = 0 }
        guard hubNode.hasMisplacedNames, upstream.now >= misplacedRetry.at else { return }
        misplacedRetry.pause = min(Self.longestRetry, max(Self.shortestRetry, misplacedRetry.pause * 2))
        misplacedRetry.at = upstream.now + misplacedRetry.pause
        upstream.hub.retryMisplaced(hubNode)
    }

    /// The node has lost the slot of a name that was subscribed to. If it is still a master, asking it for the name
    /// again shows where the slot is now. If it has become a replica, it would accept the name, and messages could come
    /// both from it and from the new master. So in that case the relay waits until the new master is known.
    func slotLost() {
        upstream.cluster?.slotLost()
        misplacedRetry.at = max(misplacedRetry.at, upstream.now + Self.shortestRetry)
        guard !isRoleAskedForNames, upstream.now >= roleAskedForNamesAt + Self.rolePause else { return }
        roleAskedForNamesAt = upstream.now
        isRoleAskedForNames = publishLink.isEstablished && publishLink.askRole()
    }

    /// Nanoseconds between two such questions: a node that loses the same names again and again gets time.
    private static let rolePause: UInt64 = 100_000_000

    /// The node may have other slots than before: its probe channel must be in one of them.
    func slotsChanged() {
        guard endpoint != nil else { return }
        if !ownsProbeChannel { renewProbe() }
    }

    private var ownsProbeChannel: Bool {
        guard let slots = upstream.hub.slots else { return true }
        var channel = probeChannel
        return channel.withUTF8 { name in
            Int(slots.node(ofSlot: slots.hashSlots.slot(of: UnsafeRawBufferPointer(name)))) == hubNode.index
        }
    }

    /// Chooses a channel whose slot the node has. If the node has a single slot, this takes 16384 tries on average,
    /// which need some milliseconds. It is practically impossible that all tries fail.
    func chooseProbeChannel() {
        guard endpoint != nil, slotCount > 0 else { return }
        isProbeChannelLost = false
        for _ in 0..<(32 * HashSlots.count) {
            probeChannel = "\(upstream.probeChannel):\(UInt32.random(in: 0...UInt32.max, using: &upstream.random))"
            if ownsProbeChannel { return }
        }
    }

    /// Sends probes on another channel from now on.
    func renewProbe() {
        guard subscribeLink.isEstablished, slotCount > 0 else { return }
        chooseProbeChannel()
        machine.renewProbe()
        subscribeLink.subscribeToProbe()
    }

    /// The node has not taken a publish because its slot belongs to another node by now, or because the whole cluster
    /// takes nothing.
    func publishMisplaced(_ text: String) {
        upstream.cluster?.redirected(text, by: self)
        if Self.isDown(text) { machine.doubtPath() }
    }

    private static func isDown(_ text: String) -> Bool { text.hasPrefix("CLUSTERDOWN The cluster is down") }

    /// The node has not taken the probe because its slot belongs to another node by now, or because the whole cluster
    /// takes nothing.
    func probeMisplaced(_ text: String) {
        upstream.cluster?.redirected(text, by: self)
        guard Self.isDown(text) else { return probeChannelLost() }
        giveUp(LinkFailure(cause: .topology, "Redis: ", quoting: text))
    }

    /// The node has lost the slot of the probe's channel: another channel is tried in a moment.
    func probeChannelLost() {
        isProbeChannelLost = true
        machine.renewProbe()
        upstream.cluster?.slotLost()
    }
}
