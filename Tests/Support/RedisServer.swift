/// A redis-server of the test's own: private configuration, private address, nothing on disk.
package final class RedisServer: Sendable {
    /// Where a server listens.
    package enum Address: Sendable {
        case unix(String)
        case port(UInt16)
    }

    package let address: Address
    private let directory: TemporaryDirectory
    /// Where others reach it by TCP, when it listens there beside its Unix socket.
    private let network: (host: NetworkHost?, address: String, port: UInt16, tls: ServerTLS?)?
    private let settings: [String]
    /// What its own clients log in with.
    private let password: String?
    /// How it speaks TLS, and on which port of the loopback.
    private let tls: (ServerTLS, port: UInt16)?
    private let process = ServerProcess()

    /// Starts a server and waits until it answers.
    /// - Parameters:
    ///   - onPort: TCP on a free port of the loopback in place of a Unix socket.
    ///   - settings: further ones of redis-server's command line.
    ///   - started: false only reserves the address; `start` starts it.
    /// - Throws: `TestFailure` when redis-server is not installed or does not come up.
    package init(onPort: Bool = false, started: Bool = true, settings: [String] = []) throws {
        password = nil
        self.settings = settings
        directory = try TemporaryDirectory()
        address = onPort ? .port(try freePort()) : .unix(directory.path(of: "redis"))
        network = nil
        tls = nil
        if started { try start() }
    }

    /// Starts a server that others reach by TLS, on a free port of the loopback, and waits until it answers. The test
    /// itself reaches it by a Unix socket, whatever is wrong with the TLS.
    /// - Throws: `TestFailure` when redis-server is not installed, has no TLS, or does not come up.
    package init(tls: ServerTLS, started: Bool = true, settings: [String] = []) throws {
        password = nil
        self.settings = settings
        directory = try TemporaryDirectory()
        address = .unix(directory.path(of: "redis"))
        network = nil
        self.tls = (tls, try freePort())
        if started { try start() }
    }

    /// Starts a server on a host of its own, or here where that is nil, and waits until it answers. Others reach it by
    /// `url`, and the test, which may be on another host, by a Unix socket.
    /// - Parameter groupTLS: how others reach it, replicas included; nil: not by TLS.
    package init(
        on host: NetworkHost?, address: String, port: UInt16 = 6379, started: Bool = true, password: String? = nil,
        groupTLS: ServerTLS? = nil, settings: [String] = []
    ) throws {
        self.password = password
        directory = try TemporaryDirectory()
        self.address = .unix(directory.path(of: "redis"))
        network = (host, address, port, groupTLS)
        self.settings = settings
        tls = nil
        if started { try start() }
    }

    // Before its directory goes, and its host.
    deinit { stop() }

    /// What `--redis` takes.
    package var url: String {
        if let network { return "redis\(network.tls == nil ? "" : "s")://\(network.address):\(network.port)" }
        if let tls { return "rediss://localhost:\(tls.port)" }
        return switch address {
        case .unix(let path): "unix://\(path)"
        case .port(let port): "redis://127.0.0.1:\(port)"
        }
    }

    /// The port of the loopback on which it speaks TLS; nil when it does not.
    package var tlsPort: UInt16? { tls?.port }

    /// Starts it, again at the same address, and waits until it answers.
    package func start() throws {
        var place: [String]
        switch address {
        case .unix(let path): place = ["--port", "0", "--unixsocket", path]
        case .port(let port): place = ["--port", "\(port)", "--bind", "127.0.0.1"]
        }
        if let network {
            place +=
                network.tls.map { $0.settings(port: network.port) + ["--tls-replication", "yes"] } ?? [
                    "--port", "\(network.port)",
                ]
            place += ["--bind", network.address, "--protected-mode", "no"]
        }
        if let (tls, port) = tls { place += tls.settings(port: port) }
        let ours = [
            "--save", "", "--appendonly", "no", "--daemonize", "no", "--dir", directory.path,
            // Larger than what a test lets pile up: a subscriber is cut off by Redis only where a test wants it.
            "--client-output-buffer-limit", "pubsub", "0", "0", "0", "--maxclients", "500",
        ]
        let command = [serverProgram] + place + ours + settings
        try process.start(command, on: network?.host, log: directory.path(of: "redis")) {
            // Through `send` and `read`: an error reply such as LOADING is no failure yet.
            guard let client = try? self.client() else { return false }
            try client.send([Array("PING".utf8)])
            return try client.read() == .status("PONG")
        }
    }

    /// A new plain client.
    package func client() throws -> RedisClient {
        let client = try RedisClient(address)
        if let password { try client.run("AUTH", password) }
        return client
    }

    /// What it says that it is: "master" or "slave" (ROLE).
    /// - Returns: nil when it gives no answer. A sentinel that changes a server's role ends its clients with it
    ///   (CLIENT KILL TYPE normal), and the one that asks here may be among them.
    package func role() -> String? { try? client().run("ROLE").array?.first?.text }

    /// Kills it as a crash would (SIGKILL) and waits until it is gone. A stopped one can be killed as well.
    package func stop() { process.kill() }

    /// Stops it from doing anything (SIGSTOP): its sockets stay open, and nothing answers.
    package func freeze() { process.freeze() }

    /// Lets it go on (SIGCONT).
    package func thaw() { process.thaw() }

    /// Lets no new client in, whoever is connected stays (maxclients): what has lost its connection stays without.
    package func refuseNewClients(_ refuse: Bool, through client: RedisClient) throws {
        try client.run("CONFIG", "SET", "maxclients", refuse ? "1" : "500")
    }
}
