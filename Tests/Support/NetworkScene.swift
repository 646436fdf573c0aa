/// A relay's host, a router and Redis's host, joined by two cables: the network between a relay and Redis. It can be
/// made to lose everything, without a sign of it to either end.
///
///     relay 10.77.1.2 ──── 10.77.1.1 router 10.77.2.1 ──── 10.77.2.2 and .3 redis
///                                      └── 10.77.3.0/24: whatever is sent there is lost
///
/// The names are unique, and the addresses are visible inside only, so any number of scenes may exist at the same time.
package final class NetworkScene: Sendable {
    package let relayHost: NetworkHost
    package let router: NetworkHost
    package let redisHost: NetworkHost

    /// The two addresses of Redis's host, for two servers, or for one that changes its address.
    package static let redisAddresses = ["10.77.2.2", "10.77.2.3"]
    /// An address that takes everything and never answers.
    package static let silentAddress = "10.77.3.1"

    /// Why a network of our own is not possible on this machine; nil if it is possible. Namespaces need root, and not
    /// every container permits them.
    package static let refusal: String? = {
        do {
            _ = try NetworkScene()
            return nil
        } catch {
            return "\(error)".split(separator: "\n").joined(separator: " ")
        }
    }()

    /// - Throws: `TestFailure` when the kernel does not permit namespaces.
    package init() throws {
        // A name that no other scene has at this moment.
        let directory = try TemporaryDirectory()
        let name = String(directory.path.dropFirst("/tmp/".count))
        relayHost = try NetworkHost(name + ".relay")
        router = try NetworkHost(name + ".router")
        redisHost = try NetworkHost(name + ".redis")
        try NetworkHost.run(
            "sh", "-ec", NetworkScene.wiring, "sh", relayHost.name, router.name, redisHost.name)
        try startForwarding()
    }

    /// The network drops everything that is sent from now on, in both directions, without a sign to either end.
    package func stopForwarding() throws { try setForwarding("0") }

    /// The network works again.
    package func startForwarding() throws { try setForwarding("1") }

    private func setForwarding(_ value: String) throws {
        try router.run("sh", "-c", "echo \(value) >/proc/sys/net/ipv4/ip_forward")
    }

    private static let wiring = """
        cable() { # HOST ROUTER-ADDRESS HOST-ADDRESS...; the device on the router is named for its address
            host=$1; shift
            ip link add cable netns "$host" type veth peer name "$1" netns "$router"
            ip -n "$router" address add "$1/24" dev "$1"
            ip -n "$router" link set "$1" up
            gateway=$1; shift
            for address; do ip -n "$host" address add "$address/24" dev cable; done
            ip -n "$host" link set cable up
            ip -n "$host" route add default via "$gateway"
        }
        router=$2
        cable "$1" 10.77.1.1 10.77.1.2
        cable "$3" 10.77.2.1 \(redisAddresses.joined(separator: " "))
        ip -n "$router" route add blackhole 10.77.3.0/24
        """
}

/// Runs `body` with a relay and a Redis on hosts of their own, and ends them afterwards, however `body` ends.
/// - Parameters:
///   - prepare: runs before the relay is started.
///   - redis: the value of `--redis`, in place of Redis's first address.
/// - Throws: what `body` throws, together with what the relay wrote to standard error; `TestFailure` when the relay
///   does not end with exit code 0.
package func withNetwork(
    options: [String] = [], redis url: String? = nil, line: UInt = #line,
    prepare: (NetworkScene) throws -> Void = { _ in },
    _ body: (NetworkScene, RelayProcess, RedisServer) throws -> Void
) throws {
    let scene = try NetworkScene()
    try prepare(scene)
    let redis = try RedisServer(on: scene.redisHost, address: NetworkScene.redisAddresses[0])
    let relay = try RelayProcess(redis: url ?? redis.url, options: options, on: scene.relayHost)
    do {
        try body(scene, relay, redis)
    } catch {
        throw TestFailure("\(error)\n--- the relay's standard error ---\n\(relay.process.errors)")
    }
    try relay.stop(line: line)
}
