internal import Configuration
internal import EventLoop
internal import Logging
internal import Posix
internal import RelayCore

extension Daemon {
    /// Stops the process, by SIGTERM, SIGINT or an event that counts like one. The first begins an orderly stop, the
    /// second ends the process at once.
    func stopRequested(by reason: String) {
        guard !isStopping else {
            logger.warning("second \(reason): ending at once")
            exitCode = 1
            return end()
        }
        isStopping = true
        logger.notice("stopping", metadata: ["reason": "\(reason)", "connections": "\(connectionCount)"])
        serviceManager.stopping(now: now)
        for relay in relays { relay.beginStopping() }
        if exitCode == 0, relays.allSatisfy(\.hasSuccessor) { exitCode = Self.succeededExitCode }
        let deadline = Timer(loop: loop) { [unowned self] in stopTimedOut() }
        deadline.start(after: configuration.timings.stopTimeout)
        stopDeadline = deadline
    }

    /// The exit code after an orderly stop in which another relay has taken over. A program that restarts relays must
    /// not then start one that competes with it.
    private static let succeededExitCode: Int32 = 10

    func stopRequested(by reason: String, exitCode: Int32) {
        self.exitCode = exitCode
        stopRequested(by: reason)
    }

    private func stopTimedOut() {
        if connectionCount > 0 {
            logger.warning("stop timeout", metadata: ["connections_closed": "\(connectionCount)"])
        }
        end()
    }

    private var connectionCount: Int { relays.reduce(0) { $0 + $1.hub.connectionCount } }

    /// Ends the process when all relays have stopped.
    func endIfStopped() {
        if !isEnded, relays.allSatisfy(\.hasStopped) { end() }
    }

    /// Ends every relay and closes everything. The loop then has nothing left to run.
    func end() {
        guard !isEnded else { return }
        isEnded = true
        for relay in relays { relay.end() }
        admin?.close()
        admin = nil
        stopDeadline?.close()
        httpRetry?.close()
        httpRetry = nil
        closeTakeOver()
        closeTimers()
        for signal in signals { signal.close() }
        signals.removeAll()
        loop.stop()
        limitedLog.flush(now: now, isLast: true)
        logOutput.retry()
    }
}
