internal import EventLoop
internal import Posix
internal import RelayCore

extension Relay {
    /// Begins an orderly end: nobody new comes in, and who is there is told.
    func beginStopping() {
        // The path goes first: whoever takes over may bind it from here on.
        releasePath()
        listener?.close()
        listener = nil
        event { upstream.stop() }
        idleEndsAt = now + Self.idleGrace
    }

    /// Nanoseconds after STOPPING, in which apps move to another relay (contract rule 10).
    private static let idleGrace: UInt64 = 2_000_000_000

    /// Closes connections that have been told of the stop and are owed nothing. Called by the tick: who was owed something is
    /// closed once it has it.
    func endIdleConnections() {
        guard now >= idleEndsAt else { return }
        hub.endIdle { connections[$0.index]?.takeUnretainedValue().hasInput ?? true }
    }

    /// Whether nothing is left to be done for anybody.
    var hasStopped: Bool { upstream.hasStopped }

    /// Answers what is in flight, writes what the kernel takes, and closes everything.
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
