internal import Configuration
internal import EventLoop
internal import Logging
internal import Posix
internal import RelayCore

/// `--take-over`: another relay serves the path until this relay is UP. Then this relay asks it to stop.
extension Daemon {
    /// Nanoseconds between two checks whether the other relay has left the path, before and after it was asked to. A
    /// relay that leaves gives the path to the socket that waits beside it, so no app has to wait for the next check.
    private static let (interval, shortInterval): (UInt64, UInt64) = (50_000_000, 2_000_000)

    /// Begins to wait for the path of `relay`.
    /// - Throws: why the path cannot be taken over. Then nothing has changed for the other relay.
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

    /// Opens the HTTP server, unless the other relay holds the address: that address is taken over with the path. If
    /// any other process holds it, this fails before the other relay is asked to stop. The holder may also be an
    /// earlier relay that is about to leave and does not answer any more, so a missing answer is retried.
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

    /// A relay is UP. The next turn acts on that, since the relay is still in the middle of reporting it.
    func takeOverSoon() {
        guard takeOver?.isAsked == false else { return }
        takeOverTimer?.start(after: 0, every: Self.interval)
    }

    /// Does the next step of taking over, if it is due. Called by the timer.
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

    /// This relay has the path now.
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
