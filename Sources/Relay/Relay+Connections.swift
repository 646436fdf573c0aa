internal import EventLoop
internal import Logging
internal import Posix
internal import RelayCore

/// Who may connect: any match lets in; no entry at all lets everybody in whom the socket's mode lets in.
struct AllowList {
    var uids: Set<UInt32>
    var gids: [UInt32]

    init(uids: [UInt32], gids: [UInt32]) { (self.uids, self.gids) = (Set(uids), gids) }

    func lets(_ peer: PeerCredentials) -> Bool {
        if uids.isEmpty && gids.isEmpty { return true }
        return uids.contains(peer.uid) || gids.contains { peer.belongs(to: $0) }
    }

    var isOpen: Bool { uids.isEmpty && gids.isEmpty }
}

extension Relay: HubEnvironment {
    /// A connection waits at the listening socket, or accepting has failed.
    func connectionWaits(_ error: LoopError?) {
        hub.now = now
        guard error == nil, let listener else {
            limitedLog.log(
                .error, "cannot accept a connection", now: now, ["error": "\(error.map { "\($0)" } ?? "")"])
            return
        }
        let connection = Connection(relay: self)
        do throws(LoopError) { try listener.accept(into: connection) } catch { return connection.close() }
        guard isAllowed(connection) else {
            return refuse(connection, .notAllowed, "this user may not connect; see --allow-uid and --allow-gid")
        }
        guard let slot = hub.openConnection() else {
            return refuse(connection, .tooMany, "over \(hub.limits.maxConnections) connections")
        }
        if slot == connections.count { connections.append(nil) }
        connections[slot] = .passUnretained(connection)
        connection.serve(as: slot)
    }

    private func isAllowed(_ connection: Connection) -> Bool {
        guard !allowed.isOpen else { return true }
        guard let descriptor = connection.descriptor, let peer = try? PeerCredentials(descriptor: descriptor) else {
            return false
        }
        return allowed.lets(peer)
    }

    private func refuse(_ connection: Connection, _ code: ErrorCode, _ detail: String) {
        hub.counters.connectionsClosed[code] += 1
        logClosing(code, detail, client: "")
        let error = encodeErrorFrame(code, detail: detail)
        // The others are told and closed at once.
        guard refused.count < descriptors.refused else { return connection.refuse(error, drains: false) }
        refused.insert(ObjectIdentifier(connection))
        connection.refuse(error, drains: true)
        draining.append(connection)
    }

    private func logClosing(_ code: ErrorCode, _ detail: String, client: @autoclosure () -> String) {
        limitedLog.log(
            .info, "closing a connection", of: ("code", code.label), now: now,
            ["detail": "\(detail)", "client": "\(client())"])
    }

    /// The socket of a connection is closed.
    func connectionClosed(_ connection: Connection) {
        guard let slot = connection.slot else {
            refused.remove(ObjectIdentifier(connection))
            return
        }
        connections[slot] = nil
        hub.now = now
        hub.connectionClosed(slot)
    }

    // MARK: HubEnvironment

    func flushPublishes(to node: HubNode) { nodes.first { $0.feed === node }?.publishLink.flush() }

    func connectionIsFinished(_ slot: Int, code: ErrorCode?, detail: String) {
        if let code { logClosing(code, detail, client: hub.clientName(slot)) }
        finishing.append((slot, code != nil))
    }

    func connectionIsLost(_ slot: Int) { connections[slot]?.takeUnretainedValue().close() }

    func resumeReading(_ slot: Int) { connections[slot]?.takeUnretainedValue().resumeIfPaused() }

    /// Shuts the connections to which the hub has said its last word, once that has been written.
    func finishConnections() {
        guard !finishing.isEmpty else { return }
        let finished = finishing
        finishing.removeAll()
        for (slot, withError) in finished {
            guard let connection = connections[slot]?.takeUnretainedValue(), connection.slot == slot else { continue }
            connection.finish(withError: withError)
            draining.append(connection)
        }
    }
}
