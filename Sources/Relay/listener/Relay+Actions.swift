internal import EventLoop
internal import Logging
internal import Posix
internal import RelayCore

/// Performs the actions of the upstream and of the hub. Nothing is decided here.
extension Relay {
    static func moment(of loop: Loop) -> Upstream.Moment {
        Upstream.Moment(
            turn: loop.now, precise: Clock.monotonicNanoseconds(), unixMilliseconds: Clock.unixMilliseconds())
    }

    /// Reports an event to the upstream, by `body`, and performs the actions that follow from it.
    func event(_ body: () -> Void) {
        upstream.begin(at: Self.moment(of: loop))
        body()
        performActions()
    }

    /// Performs the upstream's actions until none is left. If an action causes another event, the actions of that event
    /// are performed after it.
    func performActions() {
        guard !isActing else { return }
        isActing = true
        while let action = upstream.nextAction() { perform(action) }
        isActing = false
    }

    private func perform(_ action: RelayAction) {
        switch action {
        case .resolve(let link, let endpoints): socket(of: link).resolve(endpoints)
        case .endResolving(let link): socket(of: link).endResolving()
        case .connect(let link, let destination): socket(of: link).connect(to: destination)
        case .abandonAttempt(let link): socket(of: link).abandonAttempt()
        case .secure(let link, let serverName): socket(of: link).secure(serverName: serverName)
        case .endSecuring(let link): socket(of: link).endSecuring()
        case .readPassword(let link): socket(of: link).readPassword()
        case .write(let link): socket(of: link).write()
        case .close(let link, let inOrder): socket(of: link).close(inOrder: inOrder)
        case .wake(let link, let due): socket(of: link).wake(at: due)
        case .dispose(let link): socket(of: link).dispose()
        case .finish(let id, let code, let detail): finish(id, code: code, detail: detail)
        case .closeConnection(let id): close(id)
        case .resumeReading(let id): resumeReading(id)
        case .tell(let id, let event): tell(id, event)
        case .flushPublishes: preconditionFailure("the upstream's own business")
        case .startTimer(let timer, let after): start(timer, after: after)
        case .log(let line): write(line)
        case .ready: process.relayHasBeenUp()
        case .giveUp: process.stopRequested(by: "abort-connect", exitCode: 1)
        case .writeToApps:
            hub.writeOutput()
            finishConnections()
        case .takeAnotherTurn: wakeUp()
        }
    }

    @inline(__always)
    private func socket(of link: Link) -> LinkSocket {
        // A socket is made when its link needs it first, here and nowhere else.
        if let socket = link.socket { return unsafeDowncast(socket as AnyObject, to: LinkSocket.self) }
        let socket = LinkSocket(link, relay: self)
        link.socket = socket
        return socket
    }

    private func start(_ timer: UpstreamTimer, after nanoseconds: UInt64) {
        let running =
            timers[timer]
            ?? Timer(loop: loop) { [unowned self] in
                noticeLag()
                event { upstream.timerFired(timer) }
            }
        timers[timer] = running
        running.start(after: nanoseconds)
    }

    func closeTimers() {
        for timer in timers.values { timer.close() }
        timers.removeAll()
    }

    private func write(_ line: LogLine) {
        let metadata = line.metadata.mapValues { Logger.MetadataValue.string($0) }
        switch line.pace {
        case .asTold: logger.log(level: Logger.Level(line.level), "\(line.message)", metadata: metadata)
        case .limited: limitedLog.log(Logger.Level(line.level), line.message, now: now, metadata)
        }
    }
}

extension Logger.Level {
    init(_ level: LogLine.Level) {
        switch level {
        case .debug: self = .debug
        case .notice: self = .notice
        case .warning: self = .warning
        case .critical: self = .critical
        }
    }
}

// What other parts of the process read.
extension Relay {
    var nodes: [RedisNode] { upstream.nodes }
    var sentinels: Sentinels? { upstream.sentinels }
    var cluster: Cluster? { upstream.cluster }
    var path: PathState { upstream.path }
    var isStopping: Bool { upstream.isStopping }
    var isEnded: Bool { upstream.isEnded }
    var slotsAway: Int { upstream.slotsAway }
    var roundTrips: Histogram { upstream.roundTrips }
    var history: RelayHistory {
        RelayHistory(
            now: Clock.unixMilliseconds(), path: upstream.pathHistory.entries, traffic: upstream.traffic.samples)
    }
}
