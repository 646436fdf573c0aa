internal import EventLoop
internal import Posix
internal import RelayCore

extension Relay {
    /// Begins an orderly stop: no new connection is accepted, and the connected apps are notified.
    func beginStopping() {
        // The path is released first: a relay that takes over may bind it from here on.
        releasePath()
        // Clients that had connected before are served. Otherwise the kernel would reset their connections.
        if socket?.socket.outlivesProcess != true { listener?.acceptRest() }
        listener?.close()
        listener = nil
        event { upstream.stop() }
        idleEndsAt = now + Self.idleGrace
    }

    /// Nanoseconds after STOPPING in which apps move to another relay (PROTOCOL.md, section 6, rule 11).
    private static let idleGrace: UInt64 = 2_000_000_000

    /// Closes connections that were notified of the stop and are owed nothing. Called by every tick: a connection that
    /// is still owed something is closed once it has received that.
    func endIdleConnections() {
        guard now >= idleEndsAt else { return }
        hub.endIdle { connections[$0.index]?.takeUnretainedValue().hasInput ?? true }
    }

    /// Whether the stop is complete: nothing is left to do for any app.
    var hasStopped: Bool { upstream.hasStopped }

    /// Answers requests in flight, writes what the kernel takes, and closes everything.
    func end() {
        event { upstream.end() }
        closeTimers()
        hub.outboxes.writeAll()
        for connection in connections { connection?.takeUnretainedValue().close() }
        for connection in draining { connection.close() }
        draining.removeAll()
        listener?.close()
        listener = nil
        releasePath()
    }

    private func releasePath() {
        successor?.abandon()
        successor = nil
        if socket?.socket.release() == true { hasSuccessor = true }
    }
}
