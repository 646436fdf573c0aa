internal import Configuration
internal import EventLoop
internal import Logging
internal import Posix
internal import RelayCore

/// The listening socket.
extension Relay {
    /// How many connections the kernel lets wait to be accepted.
    private static let listenBacklog: Int32 = 4096

    /// Opens the socket, so that apps can connect. When it throws, `end` undoes what was done.
    func listen() throws {
        let settings = configuration.listener
        let path = try SocketPath.bind(
            path: settings.socketPath, mode: settings.socketMode,
            group: try settings.socketGroup.map { try groupID(named: $0) },
            backlog: Self.listenBacklog)
        socket = WatchedPath(path, logger: logger)
        listener = try listen(on: path.descriptor)
    }

    private func listen(on descriptor: Int32) throws(LoopError) -> Listener {
        try Listener(loop: loop, descriptor: descriptor) { [unowned self] in connectionWaits($0) }
    }

    /// Looks after the socket's path: whoever may write to its directory can take it away. Called by the tick.
    func lookAtPath() {
        guard !isStopping, !isEnded, socket?.look(now: now) == true, let descriptor = socket?.socket.descriptor else {
            return
        }
        // Who has connected to the old socket is one of ours.
        listener?.acceptRest()
        listener?.close()
        listener = nil
        do { listener = try listen(on: descriptor) } catch { socket?.failed("\(error)") }
    }

    /// The line that says that apps can connect, and what to.
    /// - Parameter http: where HTTP is.
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

    /// Says so when fewer connections are served than the relay was told to serve.
    func warnOfFewConnections() {
        guard hub.limits.maxConnections < configuration.limits.maxConnections else { return }
        logger.warning(
            "the descriptor limit allows fewer connections than --max-connections",
            metadata: ["connections": "\(hub.limits.maxConnections)"])
    }
}
