internal import Configuration
internal import EventLoop
internal import Logging
internal import Posix
internal import RelayCore

/// `--take-over`: the path is another relay's, which serves until this one is UP, and is asked to stop then.
extension Daemon {
    /// Nanoseconds between two looks whether the other relay has left, before and after it was asked to. A relay that
    /// leaves gives the path to the socket that waits beside it, so nobody waits for this look.
    private static let (interval, shortInterval): (UInt64, UInt64) = (50_000_000, 2_000_000)

    /// Begins to wait for the path of `relay`.
    /// - Throws: why it cannot be taken over; nothing has changed for the other relay then.
    func beginTakingOver(_ relay: Relay, timeout: UInt64) throws {
        try relay.listenBeside()
        try listenForHTTPUnlessHeld(serving: relay.configuration.listener.socketPath)
        takeOver = TakeOver(timeout: timeout, now: now)
        let timer = Timer(loop: loop) { [unowned self] in
            noticeLag()
            takeOver(relay)
        }
        timer.start(after: Self.interval, every: Self.interval)
        takeOverTimer = timer
        logger.notice(
            "another relay serves the socket: waiting to be UP before it is asked to stop",
            metadata: ["socket": "\(relay.configuration.listener.socketPath)", "timeout": "\(seconds(timeout)) s"])
    }

    /// The HTTP address goes with the path, so it may be the other relay's. It must be nobody else's: that is found out
    /// before anybody is asked to stop. A relay before that one may be about to leave it, and answers no more.
    private func listenForHTTPUnlessHeld(serving path: String) throws {
        for isLast in [false, false, true] {
            do {
                admin = try AdminEndpoint(daemon: self)
                return
            } catch {
                guard AdminEndpoint.isInUse(error) else { throw error }
                switch AdminEndpoint.isHeldByRelay(configuration.http, serving: path) {
                case true?: return
                case nil where !isLast: continue
                default: throw error
                }
            }
        }
    }

    /// A relay is UP: what that means is looked at in the next turn, since the relay is in the middle of telling it.
    func takeOverSoon() {
        guard takeOver?.isAsked == false else { return }
        takeOverTimer?.start(after: 0, every: Self.interval)
    }

    /// Does what is to be done now. Called by the timer.
    func takeOver(_ relay: Relay) {
        guard let takeOver, !isStopping, !isEnded else { return }
        do {
            if try relay.takePath() { return tookOver() }
            switch takeOver.step(isUp: relay.path.status.state == .up, now: now) {
            case .wait: break
            case .ask: try askToStop(relay)
            case .giveUp: giveUpTakingOver(relay)
            }
        } catch {
            logger.critical("cannot take over: \(error)")
            endTakingOver()
        }
    }

    private func askToStop(_ relay: Relay) throws(PathHolderError) {
        let path = relay.configuration.listener.socketPath
        do throws(PathHolderError) {
            let pid = try PathHolder.askToStop(path: path)
            logger.notice(
                "asked the relay that serves the socket to stop", metadata: ["socket": "\(path)", "pid": "\(pid)"])
            takeOver?.hasAsked(now: now)
            takeOverTimer?.start(after: Self.shortInterval, every: Self.shortInterval)
        } catch {
            guard error.mayPass else { throw error }
            limitedLog.log(
                .warning, "the relay that serves the socket cannot be asked to stop yet", now: now,
                ["error": "\(error)"])
        }
    }

    private func giveUpTakingOver(_ relay: Relay) {
        let status = relay.path.status
        let path = relay.configuration.listener.socketPath
        let reason =
            if takeOver?.isAsked == true {
                "the relay that serves \(path) was asked to stop, and did not release the path in time"
            } else if status.state == .up {
                "the relay that serves \(path) cannot be asked to stop"
            } else {
                "not UP in time (\(status.cause.label): \(status.reason)); the relay that serves \(path) was not asked to stop"
            }
        logger.critical("not taken over: \(reason); see --take-over-timeout")
        endTakingOver()
    }

    private func endTakingOver() { stopRequested(by: "not taken over", exitCode: 1) }

    /// The path is ours.
    private func tookOver() {
        closeTakeOver()
        if admin == nil, configuration.http != .off { waitForHTTP() }
        logListening()
        if mayTellReady { serviceManager.ready(now: now) }
    }

    func closeTakeOver() {
        takeOver = nil
        takeOverTimer?.close()
        takeOverTimer = nil
    }
}
