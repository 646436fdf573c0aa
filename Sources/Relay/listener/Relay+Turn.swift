internal import EventLoop
internal import RelayCore

extension Relay {
    /// The end of a loop turn: all input has been processed, and now the output is written.
    func endTurn() {
        upstream.endTurn(at: now)
        performActions()
    }

    // MARK: The tick

    /// Called several times within the shortest deadline.
    func tick() {
        event {
            upstream.tick()
            hub.failLate()
            endIdleConnections()
        }
        closeDrained()
        lookAtPath()
    }

    /// The loop did not run for this many nanoseconds. They count toward no timeout for the silence of others.
    func forgive(_ nanoseconds: UInt64) {
        event {
            upstream.forgive(nanoseconds)
            hub.forgive(nanoseconds)
        }
        for connection in draining { connection.forgive(nanoseconds) }
    }

    private func closeDrained() {
        guard !draining.isEmpty else { return }
        let late = draining.filter { !$0.isClosing && $0.isDrainingOver }
        draining.removeAll { $0.isClosing || $0.isDrainingOver }
        for connection in late { connection.close() }
    }
}
