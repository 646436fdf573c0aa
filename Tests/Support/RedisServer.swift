/// A redis-server of the test's own: its configuration and its address are private, and it writes nothing to disk.
package final class RedisServer: Sendable {
    /// Where a server listens.
    package enum Address: Sendable {
        case unix(String)
        case port(UInt16)
    }

    package let address: Address
    private let directory: TemporaryDirectory
    /// Where others reach the server by TCP, if it listens there in addition to its Unix socket.
    private let network: (host: NetworkHost?, address: String, port: UInt16, tls: ServerTLS?)?
    private let settings: [String]
    /// The password of the test's own clients.
    private let password: String?
    /// How the server speaks TLS, and on which port of the loopback; nil if it does not.
    private let tls: (ServerTLS, port: UInt16)?
    private let process = ServerProcess()

    /// Starts a server and waits until it answers.
    /// - Parameters:
    ///   - onPort: whether it listens on TCP, on a free port of the loopback, in place of a Unix socket.
    ///   - settings: further settings of redis-server's command line.
    ///   - started: if false, the address is only reserved, and `start` starts the server.
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
    /// itself uses a Unix socket, so that it reaches the server whatever is wrong with the TLS.
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

    /// Starts a server on the given host, or on the host of the tests if `host` is nil, and waits until it answers.
    /// Others reach it by `url`. The test, which may be on another host, reaches it by a Unix socket.
    /// - Parameter groupTLS: how others reach it, including replicas; nil if they do not use TLS.
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

    // The server has to end before its directory and its host are removed.
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

    /// The port of the loopback on which the server speaks TLS; nil if it does not.
    package var tlsPort: UInt16? { tls?.port }

    /// Starts the server, always at the same address, and waits until it answers.
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
            // Larger than what a test lets pile up: Redis drops a subscriber only if a test wants it.
            "--client-output-buffer-limit", "pubsub", "0", "0", "0", "--maxclients", "500",
        ]
        let command = [serverProgram] + place + ours + settings
        try process.start(command, on: network?.host, log: directory.path(of: "redis")) {
            // This uses `send` and `read`, because an error reply such as LOADING is not a failure yet.
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

    /// The role that the server says it has: "master" or "slave" (ROLE).
    /// - Returns: nil if it does not answer. A sentinel that changes a server's role also ends its clients (CLIENT KILL
    ///   TYPE normal), and the client that asks here may be among them.
    package func role() -> String? { try? client().run("ROLE").array?.first?.text }

    /// Kills the server as a crash would (SIGKILL) and waits until it is gone. It may be frozen.
    package func stop() { process.kill() }

    /// Stops the server (SIGSTOP): its sockets stay open, and nothing answers.
    package func freeze() { process.freeze() }

    /// Lets the server continue (SIGCONT).
    package func thaw() { process.thaw() }

    /// Refuses new clients (maxclients), while connected clients stay: a client that has lost its connection gets no
    /// new one.
    package func refuseNewClients(_ refuse: Bool, through client: RedisClient) throws {
        try client.run("CONFIG", "SET", "maxclients", refuse ? "1" : "500")
    }
}
