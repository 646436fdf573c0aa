package import Configuration
internal import EventLoop
internal import Glibc
package import Logging
package import Posix
internal import RelayCore
internal import TLS

/// The relay as a process: set-up in order, the loop, tear-down in reverse.
package enum RelayDaemon {
    /// EX_USAGE of sysexits.h, with which wrong settings end the process.
    private static let usageExitCode: Int32 = 64

    /// Serves until it is told to stop.
    /// - Returns: the exit code: 0 after an orderly stop; 1 when it could not start, or was stopped by a second signal; 64
    ///   when a certificate that it was told to use cannot be used, or the limit on descriptors is too small.
    package static func run(_ configuration: RelayConfiguration, logger: Logger, output: LogOutput) -> Int32 {
        ignoreSIGPIPE()
        forbidCoreDumps()
        do {
            let relay = try Relay(configuration, logger: logger, output: output)
            defer { relay.close() }
            // Most of what has been read of the program so far is not looked at again. Now, as long as nobody waits for us
            // and no lookup of a host name has begun, which takes a thread.
            CodePages.release()
            try relay.listen()
            relay.serve()
            return relay.exitCode
        } catch let error where error is TLSError || error is DescriptorShortage {
            // A file that was named and cannot be used is as wrong as a setting, and so is a limit that is too small:
            // starting again mends nothing.
            logger.critical("cannot start: \(error)")
            return usageExitCode
        } catch {
            logger.critical("cannot start: \(error)")
            return 1
        }
    }
}

extension Relay {
    /// How many connections the kernel lets wait to be accepted.
    private static let listenBacklog: Int32 = 4096

    /// Opens the listening sockets. When it throws, `close` undoes what was done.
    func listen() throws {
        // Invariant: the relay is there as long as its loop runs, which `serve` and `close` see to. A reference that counts
        // would be taken and given back in every turn.
        let borrowed = Unmanaged.passUnretained(self)
        loop.onTurnEnd { borrowed._withUnsafeGuaranteedRef { $0.endTurn() } }
        metronome = try KernelTimer(loop: loop) { [unowned self] in tick.start(after: 0) }
        // Before the path appears: who sees it may stop us.
        for (number, name) in [(SIGTERM, "SIGTERM"), (SIGINT, "SIGINT")] {
            signals.append(SignalWatcher(loop: loop, signal: number) { [unowned self] in stopRequested(by: name) })
        }
        signals.append(SignalWatcher(loop: loop, signal: SIGHUP) { [unowned self] in reloadRequested() })
        let socket = configuration.listener
        let path = try SocketPath.bind(
            path: socket.socketPath, mode: socket.socketMode,
            group: try socket.socketGroup.map { try groupID(named: $0) },
            backlog: Self.listenBacklog)
        self.socket = WatchedPath(path, logger: logger)
        listener = try listen(on: path.descriptor)
        try listenForHTTP()
        logger.notice(
            "listening",
            metadata: [
                "socket": "\(socket.socketPath)", "prefix": "\(String(decoding: socket.prefix, as: UTF8.self))",
                "redis": "\(configuration.redis.displayAddress)",
                "http": "\(admin?.address ?? (httpRetry == nil ? "off" : "waiting"))",
                "version": "\(hubrelayVersion)", "relay_id": "\(hub.identity.id)",
                "max_connections": "\(hub.limits.maxConnections)",
            ])
        if configuration.redis.tls?.isInsecure == true {
            logger.warning(
                "any server's certificate is taken: whoever sits between can read and change everything",
                metadata: ["setting": "--redis-tls-insecure"])
        }
        if hub.limits.maxConnections < configuration.limits.maxConnections {
            logger.warning(
                "the descriptor limit allows fewer connections than --max-connections",
                metadata: ["connections": "\(hub.limits.maxConnections)"])
        }
    }

    func listen(on descriptor: Int32) throws(LoopError) -> Listener {
        try Listener(loop: loop, descriptor: descriptor) { [unowned self] in connectionWaits($0) }
    }

    /// Opens the HTTP side. Its address may still be with the relay that this one takes over from, which serves until
    /// its connections have closed: then it is tried again for as long as a relay may take to stop.
    private func listenForHTTP() throws {
        do { admin = try AdminEndpoint(relay: self) } catch {
            guard AdminEndpoint.isInUse(error), AdminEndpoint.isHeldByStoppingRelay(configuration.http) else {
                throw error
            }
            logger.notice("HTTP waits for the relay that is stopping", metadata: ["address": "\(configuration.http)"])
            httpDeadline = Deadline(after: configuration.timings.stopTimeout + 1_000_000_000, from: now)
            let timer = Timer(loop: loop) { [unowned self] in listenForHTTPAgain() }
            timer.start(after: 200_000_000, every: 200_000_000)
            httpRetry = timer
        }
    }

    private func listenForHTTPAgain() {
        noticeLag()
        do {
            admin = try AdminEndpoint(relay: self)
            logger.notice("HTTP is served now", metadata: ["http": "\(admin?.address ?? "off")"])
        } catch {
            if AdminEndpoint.isInUse(error), httpDeadline?.isOver(now: now) == false { return }
            // Apps are connected by now: they are told and served like at any other stop.
            logger.critical("\(error)")
            exitCode = 1
            if !isStopping { stopRequested(by: "no HTTP") }
        }
        httpRetry?.close()
        httpRetry = nil
    }

    /// Runs the loop until the relay has ended.
    func serve() {
        (lastTickAt, lagNoticedAt) = (now, now)
        metronome?.set(now + tickInterval, every: tickInterval)
        sentinels?.start()
        cluster?.start()
        for node in nodes { node.start() }
        watchdogInterval = watchdogMicroseconds().map { $0 * 1000 }
        // Who asked not to wait for Redis is told that it started only when Redis is there.
        if configuration.redis.attemptsAtStart == nil { announceReady() }
        loop.run()
        if !isEnded { end() }
    }

    /// Tells the service manager that the relay has started, once.
    func announceReady() {
        guard !isReadyAnnounced else { return }
        isReadyAnnounced = true
        notifyServiceManager("READY=1")
    }

    /// Gives everything back, also after a set-up that failed half-way.
    func close() {
        end()
        // A resolver that hangs must not hold up the end: nothing is left to do that an exit(3) would do.
        if !loop.drain() { _exit(exitCode) }
    }

    /// Tells systemd about a change of state, if it wants to know. A manager that cannot be told is logged and no more.
    func notifyServiceManager(_ state: String) {
        do { try sdNotify(state) } catch {
            limitedLog.log(.warning, "\(error)", of: ("state", state), now: now)
        }
    }
}
