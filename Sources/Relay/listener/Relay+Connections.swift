internal import EventLoop
internal import Logging
internal import Posix
internal import RelayCore

extension Relay {
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
        guard let id = hub.openConnection() else {
            return refuse(connection, .tooMany, "over \(hub.limits.maxConnections) connections")
        }
        if id.index == connections.count { connections.append(nil) }
        connections[id.index] = .passUnretained(connection)
        if hub.tellsClientEvents { tellAccepted(id) }
        connection.serve(as: id)
    }

    private func isAllowed(_ connection: Connection) -> Bool {
        guard !allowed.isOpen else { return true }
        guard let peer = connection.peer else { return false }
        return allowed.lets(peer)
    }

    /// The credentials of a connection's peer, as the kernel recorded them.
    func peer(of id: ConnectionID) -> PeerCredentials? { connections[id.index]?.takeUnretainedValue().peer }

    private func refuse(_ connection: Connection, _ code: ErrorCode, _ detail: String) {
        hub.counters.connectionsClosed[code] += 1
        logClosing(code, detail, fields(of: connection.peer))
        let error = encodeErrorFrame(code, detail: detail)
        // Peers beyond this number get the Error, and are closed at once.
        guard refused.count < process.descriptors.refused else { return connection.refuse(error, drains: false) }
        refused.insert(ObjectIdentifier(connection))
        connection.refuse(error, drains: true)
        draining.append(connection)
    }

    private func logClosing(_ code: ErrorCode, _ detail: String, _ client: @autoclosure () -> Logger.Metadata) {
        limitedLog.log(
            .info, "closing a connection", of: ("code", code.label), now: now,
            client().merging(["detail": "\(detail)"]) { $1 })
    }

    /// The socket of a connection is closed.
    func connectionClosed(_ connection: Connection) {
        guard let id = connection.id else {
            refused.remove(ObjectIdentifier(connection))
            return
        }
        if hub.tellsClientEvents { tellClosed(id) }
        connections[id.index] = nil
        hub.now = now
        hub.connectionClosed(id)
    }

    // MARK: Actions

    /// The connection is to be shut down once the output that the hub has left in its outbox has been written.
    func finish(_ id: ConnectionID, code: ErrorCode?, detail: String) {
        if let code { logClosing(code, detail, fields(of: id)) }
        finishing.append((id, code != nil))
    }

    func close(_ id: ConnectionID) { connections[id.index]?.takeUnretainedValue().close() }

    func resumeReading(_ id: ConnectionID) { connections[id.index]?.takeUnretainedValue().resumeIfPaused() }

    /// Shuts down the connections whose last frame the hub has put into the outbox. Called after the output was
    /// written.
    func finishConnections() {
        guard !finishing.isEmpty else { return }
        let finished = finishing
        finishing.removeAll()
        for (id, withError) in finished {
            guard let connection = connections[id.index]?.takeUnretainedValue(), connection.id == id else { continue }
            connection.finish(withError: withError)
            draining.append(connection)
        }
    }
}
