package import Configuration
internal import EventLoop
internal import Glibc
package import Logging
package import Posix
internal import RelayCore
internal import TLS

/// The process: the loop, its tick, signals, HTTP, the service manager, and the relays that it serves, each with a
/// listening socket and a prefix of its own. There is one so far.
///
/// Its concerns are in files of their own: `Daemon+Turn`, `Daemon+Signals`, `Daemon+Stopping`, `Daemon+Reload`,
/// `Daemon+HTTP`, `Daemon+TakingOver`, `Daemon+Descriptors`, `Daemon+LogLevel`.
package final class Daemon {
    let configuration: RelayConfiguration
    let logger: Logger
    /// Where the lines of `logger` go.
    let logOutput: LogOutput
    let limitedLog: LimitedLog
    let descriptors: DescriptorBudget
    let loop: Loop
    let startedAt: UInt64
    /// Nil without TLS.
    var certificates: Certificates?
    var reloads: ReloadRecord

    /// Invariant: the relays do not change while the loop runs.
    private(set) var relays: [Relay] = []
    /// The same relays, to be called in every turn without being retained.
    private(set) var borrowedRelays: [Unmanaged<Relay>] = []

    /// The socket that the service manager has made for the first relay; nil if there is none.
    private let passed: ActivatedSocket?
    /// Set while another relay serves the path that this one is to take over.
    var takeOver: TakeOver?
    var takeOverTimer: Timer?

    var admin: AdminEndpoint?
    /// Runs while another relay still holds the HTTP address.
    var httpRetry: Timer?
    /// How long the other relay may hold it.
    var httpDeadline: Deadline?

    /// Triggers the tick.
    private var metronome: KernelTimer?
    /// A `Timer`, so that a tick comes after what was read in the same turn.
    private var tick: Timer!
    private var waker: Timer!
    var lag: LoopLag
    var serviceManager: ServiceManager

    var signals: [SignalWatcher] = []
    var isStopping = false
    var stopDeadline: Timer?
    var isEnded = false
    var exitCode: Int32 = 0

    /// - Parameter listeners: what apps connect to. No option adds a listener to the one of the configuration.
    /// - Throws: `PassedSocketError` when the service manager has passed what cannot be used;
    ///   `DescriptorShortage` when the limit on descriptors is too small; `TLSError` when a certificate cannot be
    ///   used; `LoopError` when the process has no descriptors left.
    init(
        _ configuration: RelayConfiguration, listeners: [ListenerConfiguration], logger: Logger, output: LogOutput
    ) throws {
        (self.configuration, self.logger, logOutput) = (configuration, logger, output)
        // Before anything is opened: the number of this descriptor is fixed.
        passed = try Self.passedSocket(for: configuration.listener)
        // Before anything else is opened: this counts the descriptors that are already open.
        descriptors = try Self.shareDescriptors(configuration)
        limitedLog = LimitedLog(logger: logger)
        serviceManager = ServiceManager(log: limitedLog)
        certificates = try configuration.redis.tls.map(Certificates.init)
        reloads = ReloadRecord(startedAt: Clock.unixMilliseconds())
        loop = try Loop()
        startedAt = loop.now
        lag = LoopLag(interval: configuration.timings.tickInterval)
        relays = listeners.map { listener in
            var configuration = configuration
            configuration.listener = listener
            return Relay(configuration, process: self)
        }
        borrowedRelays = relays.map(Unmanaged.passUnretained)
        tellClientEvents()
        tick = Timer(loop: loop) { [unowned self] in ticked() }
        waker = Timer(loop: loop) {}
    }

    /// The time of this loop turn, monotonic nanoseconds.
    var now: UInt64 { loop.now }

    /// Opens the listening sockets. When it throws, `close` undoes what was done.
    func listen() throws {
        // Invariant: the daemon exists as long as its loop runs; `serve` and `close` ensure that. A strong reference
        // would be retained and released in every turn.
        let borrowed = Unmanaged.passUnretained(self)
        loop.onTurnEnd { borrowed._withUnsafeGuaranteedRef { $0.endTurn() } }
        metronome = try KernelTimer(loop: loop) { [unowned self] in tick.start(after: 0) }
        // Before a path appears: a process that sees it may send us a signal to stop.
        watchSignals()
        for relay in relays { try listen(relay) }
        if takeOver == nil {
            try listenForHTTP()
            logListening()
        }
        if configuration.redis.tls?.isInsecure == true {
            logger.warning(
                "any certificate is accepted: anybody on the network path can read and change everything",
                metadata: ["setting": "--redis-tls-insecure"])
        }
        for relay in relays { relay.warnOfFewConnections() }
    }

    private func listen(_ relay: Relay) throws {
        do { try relay.listen(passed) } catch {
            guard case SocketPathError.locked = error, let timeout = relay.configuration.listener.takeOverTimeout else {
                throw error
            }
            try beginTakingOver(relay, timeout: timeout)
        }
    }

    /// Logs that apps can connect.
    func logListening() {
        let http = admin?.address ?? (httpRetry == nil ? "off" : "waiting")
        for relay in relays { relay.logListening(http: http) }
    }

    /// Whether the service manager may be notified that the process has started. If the settings say not to wait for
    /// Redis (`abortConnect`), it is notified only once every relay has been UP.
    var mayTellReady: Bool {
        takeOver == nil && (configuration.redis.attemptsAtStart == nil || relays.allSatisfy(\.path.hasBeenUp))
    }

    /// Runs the loop until the process is to end.
    func serve() {
        lag.start(now: now)
        metronome?.set(now + lag.interval, every: lag.interval)
        for relay in relays { relay.start() }
        serviceManager.start()
        if mayTellReady { serviceManager.ready(now: now) }
        loop.run()
        if !isEnded { end() }
    }

    /// Makes the loop take another turn at once.
    func wakeUp() { waker.start(after: 0) }

    /// Closes the timers that make the loop turn.
    func closeTimers() {
        metronome?.close()
        metronome = nil
        tick.close()
        waker.close()
    }

    /// Closes everything, even after a set-up that failed half-way.
    func close() {
        end()
        // A resolver that hangs must not delay the end, as it would with exit(3). Nothing is left that needs exit(3).
        if !loop.drain() { _exit(exitCode) }
    }
}

extension Daemon {
    /// Serves until the process is stopped: set-up in order, the loop, then tear-down in reverse.
    /// - Returns: the exit code. 0 after an orderly stop, or 10 if another relay has taken over the socket. 1 if it
    ///   could not start, or gave up soon after, but a later start may succeed; and after a second stop signal. 64 if
    ///   it cannot start until somebody changes something.
    package static func run(_ configuration: RelayConfiguration, logger: Logger, output: LogOutput) -> Int32 {
        ignoreSIGPIPE()
        forbidCoreDumps()
        var retry = StartRetry(configuration.listener.socketPath)
        while true {
            do {
                let daemon = try Daemon(
                    configuration, listeners: [configuration.listener], logger: logger, output: output)
                defer { daemon.close() }
                try daemon.listen()
                daemon.serve()
                return daemon.exitCode
            } catch {
                let failure = StartFailure(error)
                if retry.wait(after: failure, logger) { continue }
                logger.critical("cannot start: \(failure.text)")
                return failure.exitCode
            }
        }
    }
}

extension Timings {
    /// Nanoseconds from tick to tick, short enough for every deadline. A link notices silence at most one tick late,
    /// and checks twice before it fails.
    var tickInterval: UInt64 {
        let shortest = [
            heartbeatInterval / 4, linkTimeout / 8, helloTimeout / 8, connectTimeout / 8, frameTimeout / 8, 250_000_000,
        ].min()
        return max(5_000_000, shortest ?? 0)
    }
}
