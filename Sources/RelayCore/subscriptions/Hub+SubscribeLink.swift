package import RESP

/// A node's subscribe link: how it comes and goes, and what is sent on it about names.
extension Hub {
    /// The node's subscribe link is ready for commands: asks again for all held names of this node.
    /// - Parameter asksForProbe: whether a SUBSCRIBE to the probe's channel is about to be written, before all others.
    package func beginRestore(_ node: HubNode, asksForProbe: Bool = false) {
        // What an earlier link left unfinished ends with that link.
        if node.phase != .detached { subscribeLinkFailed(node) }
        if asksForProbe { self.asksForProbe(node) }
        subscriptions.beginRestore(node)
    }

    /// A SUBSCRIBE to a new channel of the probe is about to be written.
    package func asksForProbe(_ node: HubNode) { node.commands.append(.init(kind: .probe, count: 1, remaining: 1)) }

    /// If the node now has every name, it counts as receiving: requests that came during its restore are answered.
    package func goLiveIfWhole(_ node: HubNode) {
        guard node.phase == .restoring, node.isWhole else { return }
        node.phase = .live
        answerWaiting(node)
    }

    /// The node will not be receiving soon after all: requests that came during its restore are answered PENDING.
    package func answerWaiting(_ node: HubNode) { advance(node.takeWaitingForLive()) }

    /// The node's subscribe link has ended. Requests that wait for it are answered PENDING, once they wait for nothing
    /// else. Their names are kept and restored.
    package func subscribeLinkFailed(_ node: HubNode) { advance(subscriptions.detach(node)) }

    /// Makes the next command for the node's subscribe link. `begin` gets its verb, then `append` gets its names, at
    /// most `limit` of them, each as the prefix to put before it and the name.
    /// - Returns: how many names; 0 if there is nothing to send, and then neither of the two has been called.
    package func nextSubscribeCommand(
        _ node: HubNode, limit: Int, begin: (SubscribeVerb) -> Void,
        append: (_ prefix: UnsafeRawBufferPointer, _ name: UnsafeRawBufferPointer) -> Void
    ) -> Int {
        subscriptions.nextCommand(for: node, limit: limit, begin: begin) { index in
            let prefix = subscriptions[index].isPattern ? patternPrefix : prefix
            prefix.withUnsafeBytes { append($0, subscriptions.name(of: index)) }
        }
    }
}
