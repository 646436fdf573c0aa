internal import Configuration
internal import EventLoop
internal import Posix
internal import RelayCore

extension Relay {
    /// The end of a loop turn: everything that was read has been dealt with, now it is written. Redis comes first, so
    /// that it works while we write to the apps.
    func endTurn() {
        hub.now = now
        if hub.hasPublishOutput { flushPublishes() }
        hub.settle()
        if hub.hasPublishOutput { flushPublishes() }
        if needsSubscribeFlush { for node in nodes { node.subscribeLink.flush() } }
        if needsEvaluation || hub.hasBrokenSubscriptions { evaluatePath() }
        hub.answerDisplaced()
        hub.writeOutput()
        finishConnections()
        if hub.hasWork { wakeUp() }
        endIfStopped()
    }

    private func flushPublishes() {
        hub.hasPublishOutput = false
        // Nodes come and go by what the cluster answers: no write changes the list, also when it fails.
        for index in borrowedNodes.indices where borrowedNodes[index]._withUnsafeGuaranteedRef({ $0.hasPublishOutput })
        {
            nodes[index].publishLink.flush()
        }
        if let cluster { for node in cluster.leaving { node.publishLink.flush() } }
    }

    private var needsSubscribeFlush: Bool {
        for index in borrowedNodes.indices
        where borrowedNodes[index]._withUnsafeGuaranteedRef({ $0.needsSubscribeFlush }) {
            return true
        }
        return false
    }

    /// Makes the loop take another turn at once.
    func wakeUp() { waker.start(after: 0) }

    // MARK: The tick

    /// Short enough for every deadline: links find a silence late by one tick at most, and look twice.
    var tickInterval: UInt64 {
        let timings = configuration.timings
        let shortest = [
            timings.heartbeatInterval / 4, timings.linkTimeout / 8, timings.helloTimeout / 8,
            timings.connectTimeout / 8, timings.frameTimeout / 8, 250_000_000,
        ].min()
        return max(5_000_000, shortest ?? 0)
    }

    func ticked() {
        loopLag = lag(since: lastTickAt)
        lastTickAt = now
        noticeLag()
        for node in nodes { node.tick() }
        sentinels?.tick()
        cluster?.tick()
        hub.failLate()
        endIdleConnections()
        closeDrained()
        lookAtPaths()
        transitions.flush(status: path.status, now: now)
        limitedLog.flush(now: now)
        logOutput.retry()
        feedWatchdog()
    }

    /// The loop may have stood still: that counts toward no timeout of somebody else's silence. To be called before any is
    /// judged, also one that has a timer of its own, which after a stall may come before the tick.
    ///
    /// The stop timeout is another matter. It is ours, and whoever stops us relies on it: it is not put off.
    func noticeLag() {
        hub.now = now
        let lag = lag(since: lagNoticedAt)
        lagNoticedAt = now
        guard lag > 0 else { return }
        for node in nodes { node.forgive(lag) }
        sentinels?.forgive(lag)
        cluster?.forgive(lag)
        hub.forgive(lag)
        for connection in draining { connection.forgive(lag) }
        httpDeadline?.forgive(lag, now: now)
    }

    /// What has passed since then beyond the time from tick to tick.
    private func lag(since: UInt64) -> UInt64 {
        let passed = now - since
        return passed > tickInterval ? passed - tickInterval : 0
    }

    private func closeDrained() {
        guard !draining.isEmpty else { return }
        let late = draining.filter { !$0.isClosing && $0.isDrainingOver }
        draining.removeAll { $0.isClosing || $0.isDrainingOver }
        for connection in late { connection.close() }
    }

    private func feedWatchdog() {
        guard let watchdogInterval, now - lastWatchdogAt >= watchdogInterval / 2 else { return }
        lastWatchdogAt = now
        notifyServiceManager("WATCHDOG=1")
    }
}
