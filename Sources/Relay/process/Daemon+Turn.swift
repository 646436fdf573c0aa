internal import Posix
internal import RelayCore

extension Daemon: RelayEnvironment {
    /// The end of a loop turn: all input has been processed, and now the output is written.
    func endTurn() {
        for index in borrowedRelays.indices { borrowedRelays[index]._withUnsafeGuaranteedRef { $0.endTurn() } }
        if isStopping { endIfStopped() }
    }

    /// The tick. It comes several times within the shortest deadline.
    func ticked() {
        lag.ticked(now: now)
        noticeLag()
        for relay in relays { relay.tick() }
        if !isStopping, !isEnded { admin?.lookAtPath(now: now) }
        limitedLog.flush(now: now)
        logOutput.retry()
        serviceManager.feedWatchdog(now: now)
        serviceManager.show(relays.map(\.path.status), now: now)
    }

    func noticeLag() {
        let stall = lag.takeStall(now: now)
        guard stall > 0 else { return }
        for relay in relays { relay.forgive(stall) }
        httpDeadline?.forgive(stall, now: now)
        takeOver?.forgive(stall, now: now)
    }

    func relayHasBeenUp() {
        if relays.allSatisfy(\.path.hasBeenUp), mayTellReady { serviceManager.ready(now: now) }
        takeOverSoon()
    }
}
