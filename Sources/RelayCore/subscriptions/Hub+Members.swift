/// Who receives by which name, in the table and in each connection's own list.
extension Hub {
    /// Makes the connection receive by every name of the request that was not refused. This is done in one go, since no
    /// message may come before the Reply, and none may be missed after it.
    func join(_ operation: NameOperation) {
        let (connection, refused) = (operation.connection, Set(operation.refused))
        subscriptionCount -= operation.newNames
        workLeft -= operation.names.count
        for index in operation.names {
            let isRefused = !refused.isEmpty && refused.contains(index)
            if isRefused || subscriptions.isMember(connection, of: index) {
                subscriptions.endPending(index)
            } else {
                subscriptions.join(connection, at: sessions[connection].held.append(index), index)
                subscriptionCount += 1
            }
        }
    }

    /// Removes a connection from the members of a name, if it is one.
    func leave(_ connection: ConnectionID, _ index: UInt32) {
        guard let position = subscriptions.leave(connection, index) else { return }
        if !sessions[connection].isReleasing { subscriptionCount -= 1 }
        // Another name has moved to that position, and its entry must have the new position.
        guard let moved = sessions[connection].held.remove(at: position) else { return }
        subscriptions.setPosition(position, of: connection, in: moved)
    }

    /// Notifies a connection that it does not receive by these names any more, in as few frames as can hold them.
    /// - Parameter text: the error text of Redis.
    func revoke(_ indices: [UInt32], from connection: ConnectionID, _ text: String) {
        for isPattern in [false, true] {
            let names = indices.lazy.filter { self.subscriptions[$0].isPattern == isPattern }
            guard let first = names.first else { continue }
            let detail = refusalText(text, of: first)
            var (list, room) = ([UnsafeRawBufferPointer](), identity.maxFrameBytes - 1024)
            for index in names {
                let name = subscriptions.name(of: index)
                let size = WireWriter.size(ofBytes: name.count)
                if size > room { tellRevoked(&list, isPattern, detail, connection) }
                if list.isEmpty { room = identity.maxFrameBytes - 1024 }
                room -= size
                list.append(name)
            }
            tellRevoked(&list, isPattern, detail, connection)
        }
    }

    private func tellRevoked(
        _ names: inout [UnsafeRawBufferPointer], _ isPattern: Bool, _ detail: String, _ connection: ConnectionID
    ) {
        let lists = isPattern ? NameLists(patterns: names) : NameLists(channels: names)
        outboxes.appendControl(outboxes.arena.revoked(lists, detail: detail), to: connection)
        names.removeAll(keepingCapacity: true)
    }

    /// Redis's words for a refusal, with a hint that they lack and people need: how an access list grants patterns.
    func refusalText(_ text: String, of index: UInt32) -> String {
        guard subscriptions[index].isPattern, text.hasPrefix("NOPERM"), LinkFailure.classify(denied: text) == nil
        else { return text }
        return text + " (an access list of Redis must grant a pattern literally)"
    }
}
