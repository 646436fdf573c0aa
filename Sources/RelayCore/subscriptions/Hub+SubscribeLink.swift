package import RESP

/// A node's subscribe link: it comes and goes, and is told about names.
extension Hub {
    /// The node's subscribe link is ready for commands: its share of everything held is asked for again.
    /// - Parameter asksForProbe: a SUBSCRIBE to the relay's own channel is about to be written, before anything else.
    package func beginRestore(_ node: HubNode, asksForProbe: Bool = false) {
        // Whatever an earlier link left undone belongs to that one.
        if node.phase != .detached { subscribeLinkFailed(node) }
        if asksForProbe { self.asksForProbe(node) }
        subscriptions.beginRestore(node)
    }

    /// A SUBSCRIBE to another channel of the probe's is about to be written.
    package func asksForProbe(_ node: HubNode) { node.commands.append(.init(kind: .probe, count: 1, remaining: 1)) }

    /// The node is receiving from here on: requests that came during its restore are answered.
    package func goLiveIfWhole(_ node: HubNode) {
        guard node.phase == .restoring, node.isWhole else { return }
        node.phase = .live
        answerWaiting(node)
    }

    /// The node will not be receiving in a moment after all: requests that came during its restore are answered PENDING.
    package func answerWaiting(_ node: HubNode) { advance(node.takeWaitingForLive()) }

    /// The node's subscribe link is gone. Requests that wait for it are answered PENDING, once nothing else is missing:
    /// their names are kept and restored.
    package func subscribeLinkFailed(_ node: HubNode) { advance(subscriptions.detach(node)) }

    /// The next command for the node's subscribe link: `begin` gets its verb, then `append` its names, at most `limit` of
    /// them, each as the prefix to put before it and the name.
    /// - Returns: how many names; 0 when there is nothing to tell, and then nothing has been called.
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
