internal import Configuration

/// What a node does as one of a cluster: its probe goes by a channel whose slot it has, and it may be cut off from the
/// others.
extension RedisNode {
    /// The server has said how its cluster is.
    func clusterInfoAnswered(_ reply: LinkMachine.Reply) {
        guard case .text(let text) = reply, let failure = LinkFailure.classify(clusterInfo: text) else { return }
        giveUp(failure)
    }

    private static let (shortestRetry, longestRetry): (UInt64, UInt64) = (250_000_000, 4_000_000_000)

    /// Tries names again that the node did not take. When its slots are nobody's, that takes as long as it takes.
    func retryMisplaced() {
        if hubNode.isWhole { misplacedRetry.pause = 0 }
        guard hubNode.hasMisplacedNames, upstream.now >= misplacedRetry.at else { return }
        misplacedRetry.pause = min(Self.longestRetry, max(Self.shortestRetry, misplacedRetry.pause * 2))
        misplacedRetry.at = upstream.now + misplacedRetry.pause
        upstream.hub.retryMisplaced(hubNode)
    }

    /// The node has lost the slot of a name that was subscribed to. If it is a master still, it is asked for the name again:
    /// then it says where the slot is now. One that has become a replica would take it, and what came by way of it could come
    /// once more by way of the new master: that one is waited for.
    func slotLost() {
        upstream.cluster?.slotLost()
        misplacedRetry.at = max(misplacedRetry.at, upstream.now + Self.shortestRetry)
        guard !isRoleAskedForNames, upstream.now >= roleAskedForNamesAt + Self.rolePause else { return }
        roleAskedForNamesAt = upstream.now
        isRoleAskedForNames = publishLink.isEstablished && publishLink.askRole()
    }

    /// Nanoseconds. A node that loses the same names again and again is given time.
    private static let rolePause: UInt64 = 100_000_000

    /// The node may have other slots than before: its probe must be at one of them.
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

    /// Chooses a channel whose slot the node has. One that has a single slot finds it in 16384 tries on average, which take
    /// some milliseconds; that none of all these tries hits is as good as impossible.
    func chooseProbeChannel() {
        guard endpoint != nil, slotCount > 0 else { return }
        isProbeChannelLost = false
        for _ in 0..<(32 * HashSlots.count) {
            probeChannel = "\(upstream.probeChannel):\(UInt32.random(in: 0...UInt32.max, using: &upstream.random))"
            if ownsProbeChannel { return }
        }
    }

    /// Sends probes by another channel from now on.
    func renewProbe() {
        guard subscribeLink.isEstablished, slotCount > 0 else { return }
        chooseProbeChannel()
        machine.renewProbe()
        subscribeLink.subscribeToProbe()
    }

    /// The node has not taken a publish, as its slot is another one's by now; or the whole cluster takes nothing.
    func publishMisplaced(_ text: String) {
        upstream.cluster?.redirected(text, by: self)
        if Self.isDown(text) { machine.doubtPath() }
    }

    private static func isDown(_ text: String) -> Bool { text.hasPrefix("CLUSTERDOWN The cluster is down") }

    /// The node does not take the probe, as its slot is another one's by now; or the whole cluster takes nothing.
    func probeMisplaced(_ text: String) {
        upstream.cluster?.redirected(text, by: self)
        guard Self.isDown(text) else { return probeChannelLost() }
        giveUp(LinkFailure(cause: .topology, "Redis: ", quoting: text))
    }

    /// The node has lost the slot of the probe's channel: another one is tried in a moment.
    func probeChannelLost() {
        isProbeChannelLost = true
        machine.renewProbe()
        upstream.cluster?.slotLost()
    }
}
