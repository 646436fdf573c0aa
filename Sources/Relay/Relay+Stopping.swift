internal import Configuration
internal import EventLoop
internal import Glibc
internal import Logging
internal import Posix
internal import RelayCore

extension Relay {
    /// SIGTERM or SIGINT: the first one begins an orderly end, the second ends at once.
    func stopRequested(by signal: String) {
        hub.now = now
        guard !isStopping else {
            logger.warning("second \(signal): ending at once")
            exitCode = 1
            return end()
        }
        isStopping = true
        logger.notice("stopping", metadata: ["reason": "\(signal)", "connections": "\(hub.connectionCount)"])
        notifyServiceManager("STOPPING=1")
        // The path goes first: whoever takes over may bind it from here on.
        socket?.socket.release()
        listener?.close()
        listener = nil
        path.stop(unixMilliseconds: Clock.unixMilliseconds())
        hub.announce(path.status)
        idleEndsAt = now + Self.idleGrace
        let deadline = Timer(loop: loop) { [unowned self] in stopTimedOut() }
        deadline.start(after: configuration.timings.stopTimeout)
        stopDeadline = deadline
    }

    /// Nanoseconds after STOPPING, in which apps move to another relay (contract rule 10).
    private static let idleGrace: UInt64 = 2_000_000_000

    /// Closes connections that have been told of the stop and are owed nothing. Called by the tick: who was owed something is
    /// closed once it has it.
    func endIdleConnections() {
        guard now >= idleEndsAt else { return }
        hub.endIdle { connections[$0]?.takeUnretainedValue().hasInput ?? true }
    }

    private func stopTimedOut() {
        hub.now = now
        if hub.connectionCount > 0 {
            logger.warning("stop timeout", metadata: ["connections_closed": "\(hub.connectionCount)"])
        }
        end()
    }

    /// Ends when the last connection has gone, and everything that it wrote is with Redis: a connection to Redis that is
    /// closed with unread answers takes with it what Redis has not read yet.
    func endIfStopped() {
        guard isStopping, !isEnded, hub.connectionCount == 0 else { return }
        let all = nodes + (cluster?.leaving ?? [])
        if all.allSatisfy({ $0.feed.publishes.publishesInFlight == 0 }) { end() }
    }

    /// Answers what is in flight, writes what the kernel takes, and closes everything; the loop then runs empty.
    func end() {
        guard !isEnded else { return }
        isEnded = true
        isEvaluationHeld = true  // the links end because we end: that is no outage
        let failure = LinkFailure(cause: .stopping, reason: "the relay has stopped")
        for node in nodes { node.stop(failure) }
        sentinels?.stop(failure)
        cluster?.stop(failure)
        hub.emitPublishLosses(all: true)
        hub.outboxes.writeAll()
        for connection in connections { connection?.takeUnretainedValue().close() }
        for connection in draining { connection.close() }
        draining.removeAll()
        admin?.close()
        admin = nil
        listener?.close()
        listener = nil
        socket?.socket.release()
        stopDeadline?.close()
        httpRetry?.close()
        httpRetry = nil
        metronome?.close()
        metronome = nil
        tick.close()
        waker.close()
        for signal in signals { signal.close() }
        signals.removeAll()
        loop.stop()
        transitions.flush(status: path.status, now: now, isLast: true)
        limitedLog.flush(now: now, isLast: true)
        logOutput.retry()
    }
}
