internal import EventLoop
internal import Glibc
internal import Posix

/// The relay and the Redis that are measured.
package class Servers {
    /// Where the relay listens.
    package fileprivate(set) var socketPath: String
    /// Nil if only the relay is measured.
    package fileprivate(set) var redis: RedisServerAddress?
    /// Process ids, if they are known.
    package fileprivate(set) var relayPID: Int32?
    package fileprivate(set) var redisPID: Int32?
    package fileprivate(set) var redisVersion: String?

    fileprivate init(socketPath: String, redis: RedisServerAddress?) {
        (self.socketPath, self.redis) = (socketPath, redis)
    }

    /// Whether the servers are ours, so that they may be moved from processor to processor and started again.
    package var arePrivate: Bool { false }

    /// Whether the servers are ours, and the relay reaches Redis by TLS.
    package var isRelayByTLS: Bool { false }

    /// Starts the servers, or starts them again if they run.
    package func startAnew(_ driver: Driver) throws(BenchmarkFailure) {}

    /// Whether only the relay can be measured, because there is no Redis to use directly.
    package var isRelayAlone: Bool { redis == nil && !arePrivate }

    /// Ends the servers that were started, and removes their files.
    package func end() {}
}

/// An installation that already runs.
package final class InstalledServers: Servers {
    /// - Parameter say: called with the reason if processor times will be missing.
    /// - Throws: `BenchmarkFailure` if one of the servers does not answer.
    package init(
        socketPath: String, redis: RedisServerAddress?, driver: Driver, say: (String) -> Void
    ) throws(BenchmarkFailure) {
        super.init(socketPath: socketPath, redis: redis)
        relayPID = try askRelay(driver)
        if relayPID == nil { say("the relay runs in another container: no processor time and memory of it") }
        guard let redis else {
            say("no --redis: no direct runs, and no processor time of Redis")
            return
        }
        let info = try RedisInfo.ask(redis)
        redisVersion = info.version
        guard redis.isLoopback, let pid = info.pid, isServer(pid) else {
            say("Redis at \(redis) is not a process that can be seen from here: no processor time of it")
            return
        }
        redisPID = pid
    }

    /// Asks the kernel which process listens on the socket.
    private func askRelay(_ driver: Driver) throws(BenchmarkFailure) -> Int32? {
        let events = ConnectionEvents()
        let connection = RelayConnection(driver: driver, path: socketPath, events: events, number: 0)
        connection.open()
        try driver.wait("the relay at \(socketPath) is UP") { connection.isReady }
        let pid = connection.descriptor.flatMap { try? PeerCredentials(descriptor: $0) }?.pid
        connection.close()
        try driver.wait("a connection is closed") { driver.openConnections == 0 }
        withExtendedLifetime(events) {}
        return pid.flatMap { $0 > 0 && ProcessUsage.read(of: $0) != nil ? $0 : nil }
    }

    /// Whether a process id that Redis reported means Redis here, too, and not another process outside its container.
    private func isServer(_ pid: Int32) -> Bool {
        guard let name = readWholeFile("/proc/\(pid)/comm") else { return false }
        return ["redis", "valkey", "keydb"].contains { name.hasPrefix($0) }
    }
}

/// A relay and a Redis that the benchmark starts, on a private socket and a free port of the loopback.
package final class PrivateServers: Servers {
    private static let patience: UInt64 = 10_000_000_000
    private let binary: String
    private let isByTLS: Bool
    private let directory: ScratchDirectory
    /// Made at the first start.
    private var tls: TLSFiles?
    private var relayProcess: ChildProcess?
    private var redisProcess: ChildProcess?

    /// - Parameter binary: the path of hubrelay.
    /// - Parameter isByTLS: whether the relay reaches Redis by TLS. Direct connections do not use TLS.
    /// - Throws: `BenchmarkFailure` if there is no such program, or no place for the socket.
    package init(binary: String, isByTLS: Bool = false) throws(BenchmarkFailure) {
        guard access(binary, X_OK) == 0 else {
            throw BenchmarkFailure(
                "no program at \(binary): build it with `swift build -c release --product hubrelay`, or say where it is "
                    + "with --relay")
        }
        (self.binary, self.isByTLS) = (binary, isByTLS)
        directory = try ScratchDirectory()
        super.init(socketPath: directory.path(of: "relay.sock"), redis: nil)
    }

    package override var arePrivate: Bool { true }
    package override var isRelayByTLS: Bool { isByTLS }

    package override func startAnew(_ driver: Driver) throws(BenchmarkFailure) {
        stop()
        let port = try Self.freePort()
        guard let server = RedisServerAddress(host: "127.0.0.1", port: port) else { preconditionFailure() }
        redis = server
        if isByTLS, tls == nil { tls = try TLSFiles(in: directory, driver) }
        var tlsPort = isByTLS ? try Self.freePort() : 0
        while tlsPort == port { tlsPort = try Self.freePort() }
        let redisProcess = try ChildProcess(
            [
                "redis-server", "--port", "\(port)", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                "--dir", directory.path, "--maxclients", "20000",
            ] + (tls?.redisArguments(port: tlsPort) ?? []), log: directory.path(of: "redis.log"))
        self.redisProcess = redisProcess
        try waitFor(redisProcess, driver) { (try? RedisInfo.ask(server))?.pid == redisProcess.pid }
        (redisPID, redisVersion) = (redisProcess.pid, try RedisInfo.ask(server).version)
        let relayProcess = try ChildProcess(
            [
                binary, "serve", "--socket", socketPath, "--prefix", "bench:", "--http", "off",
                "--stop-timeout", "500ms",
            ] + (tls?.relayArguments(port: tlsPort) ?? ["--redis", "redis://\(server)"]),
            log: directory.path(of: "relay.log"))
        self.relayProcess = relayProcess
        relayPID = relayProcess.pid
        try waitFor(relayProcess, driver) { [socketPath] in
            (try? BlockingConnection.unix(path: socketPath, timeout: 1_000_000_000)) != nil
        }
    }

    private func stop() {
        relayProcess?.stop()
        redisProcess?.stop()
        (relayProcess, redisProcess, relayPID, redisPID) = (nil, nil, nil, nil)
    }

    package override func end() {
        stop()
        directory.remove()
    }

    private func waitFor(
        _ process: ChildProcess, _ driver: Driver, _ isReady: () -> Bool
    ) throws(BenchmarkFailure) {
        let deadline = Clock.monotonicNanoseconds() + Self.patience
        while !isReady() {
            try process.checkRunning()
            guard Clock.monotonicNanoseconds() < deadline else {
                throw BenchmarkFailure("a server that was started does not answer within 10 s")
            }
            try driver.wait(seconds: 0.005)
        }
    }

    /// A port of the loopback that is free now.
    private static func freePort() throws(BenchmarkFailure) -> UInt16 {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, length) == 0 ? getsockname(socket, $0, &length) : -1
            }
        }
        guard code == 0 else { throw BenchmarkFailure("no free port on 127.0.0.1: \(errorText(errno))") }
        return UInt16(bigEndian: address.sin_port)
    }
}
