internal import Configuration
internal import EventLoop
internal import Logging
internal import Posix
internal import RelayCore

/// The listening socket.
extension Relay {
    /// How many connections the kernel lets wait to be accepted.
    private static let listenBacklog: Int32 = 4096

    /// Opens the socket, so that apps can connect. If this throws, `end` undoes what was done.
    /// - Parameter passed: the socket that the service manager has made, to be used as it is; nil if there is none.
    func listen(_ passed: ActivatedSocket?) throws {
        let settings = configuration.listener
        let path: any ListeningPath =
            if let passed {
                passed
            } else {
                try SocketPath.bind(
                    path: settings.socketPath, mode: settings.socketMode, group: try socketGroup(),
                    backlog: Self.listenBacklog)
            }
        socket = WatchedPath(path, logger: logger)
        listener = try listen(on: path.descriptor)
    }

    private func socketGroup() throws(GroupError) -> UInt32? {
        guard let name = configuration.listener.socketGroup else { return nil }
        return try groupID(named: name)
    }

    /// Listens on a socket beside the path, which another relay serves. No app connects to it before this relay has the
    /// path.
    func listenBeside() throws {
        let settings = configuration.listener
        let successor = try SuccessorSocket(
            path: settings.socketPath, mode: settings.socketMode, group: try socketGroup(), backlog: Self.listenBacklog)
        self.successor = successor
        listener = try listen(on: successor.descriptor)
    }

    /// Takes the path, if the other relay has left it.
    /// - Returns: whether this relay has the path now.
    func takePath() throws(SocketPathError) -> Bool {
        guard let path = try successor?.take() else { return false }
        successor = nil
        socket = WatchedPath(path, logger: logger)
        return true
    }

    /// Why no app can connect; nil if apps can connect, or if the relay is stopping.
    var unreachable: String? { successor == nil ? socket?.problem : "it waits until another relay releases the socket" }

    private func listen(on descriptor: Int32) throws(LoopError) -> Listener {
        try Listener(loop: loop, descriptor: descriptor) { [unowned self] in connectionWaits($0) }
    }

    /// Checks the socket's path: any process that may write to its directory can remove it. Called by the tick.
    func lookAtPath() {
        guard !isStopping, !isEnded, socket?.look(now: now) == true, let descriptor = socket?.socket.descriptor else {
            return
        }
        // Apps that have connected to the old socket are served as well.
        listener?.acceptRest()
        listener?.close()
        listener = nil
        do { listener = try listen(on: descriptor) } catch { socket?.failed("\(error)") }
    }

    /// Logs that apps can connect, and to what.
    /// - Parameter http: the address of the HTTP server.
    func logListening(http: String) {
        logger.notice(
            "listening",
            metadata: [
                "socket": "\(configuration.listener.socketPath)",
                "prefix": "\(String(decoding: configuration.listener.prefix, as: UTF8.self))",
                "redis": "\(configuration.redis.displayAddress)", "http": "\(http)", "version": "\(hubrelayVersion)",
                "relay_id": "\(hub.identity.id)", "max_connections": "\(hub.limits.maxConnections)",
            ])
    }

    /// Logs a warning if the relay can serve fewer connections than it was configured to serve.
    func warnOfFewConnections() {
        guard hub.limits.maxConnections < configuration.limits.maxConnections else { return }
        logger.warning(
            "the descriptor limit allows fewer connections than --max-connections",
            metadata: ["connections": "\(hub.limits.maxConnections)"])
    }
}
