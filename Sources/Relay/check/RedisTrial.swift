package import Configuration
internal import EventLoop
internal import Posix
internal import RelayCore
internal import TLS

/// Tries Redis as a relay with these settings would use it: what works, what an access list denies, and what prevents a
/// relay from working. It publishes only empty messages: on a channel of its own, and on that of announcements. Apps
/// can hear neither.
package struct RedisTrial {
    /// What was tried, one line each.
    package private(set) var lines: [String] = []
    /// What keeps a relay from being UP, one line each.
    package private(set) var faults: [String] = []
    /// Whether a host name is still being looked up. exit(3) would wait for that.
    package private(set) var isLookupUnderWay = false

    private let configuration: RelayConfiguration
    private let settings: CheckedSettings
    private var tls: TLSContext?
    private let id = SystemRandom.hexID()

    /// Tries every server that the settings name, and those that these name. Each address, handshake and answer may take as
    /// long as a relay would wait for it.
    package init(_ settings: CheckedSettings) {
        (self.settings, configuration) = (settings, settings.configuration)
        do throws(TLSError) {
            if let settings = configuration.redis.tls { tls = try TLSContext(TLSContext.Settings(settings)) }
        } catch {
            faults = ["\(error)"]
            return
        }
        switch configuration.redis.topology {
        case .servers(let endpoints): conclude(endpoints.map { trial($0, .redis) })
        case .sentinel(let endpoints, _):
            let sentinels = endpoints.map { trial($0, .sentinel) }
            conclude(sentinels)
            for master in distinct(sentinels) { conclude([trial(master, .redis)]) }
        case .cluster(let endpoints, _):
            let members = endpoints.map { trial($0, .clusterMember) }
            conclude(members)
            for node in distinct(members) where !endpoints.contains(node) { conclude([trial(node, .clusterMember)]) }
        }
    }

    private func distinct(_ trials: [ServerTrial]) -> [RedisConfiguration.Endpoint] {
        trials.compactMap(\.named).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    /// Reports on servers that can stand in for each other. Only one of them has to be usable. The faults of the others
    /// are reported as well, but do not count.
    private mutating func conclude(_ trials: [ServerTrial]) {
        let isUsable = trials.contains { $0.faults.isEmpty }
        for trial in trials {
            lines += trial.lines.map { "\(trial.name): \($0)" }
            let faults = trial.faults.map { "\(trial.name): \($0)" }
            if isUsable { lines += faults.map { $0 + " (not used; another server is)" } } else { note(faults) }
        }
    }

    private mutating func note(_ faults: [String]) {
        let lead = settings.sources.lead(.redis)
        let allowed = "allowed: a server where a relay can log in, publish and subscribe (deploy/redis.md)"
        self.faults += faults.map { "\(lead): \(quoted(configuration.redis.displayAddress)): \($0); \(allowed)" }
    }

    /// Tries the addresses of an endpoint until one can be connected to.
    private mutating func trial(_ endpoint: RedisConfiguration.Endpoint, _ kind: ServerKind) -> ServerTrial {
        let destinations: [Destination]
        switch lookUp(endpoint) {
        case .success(let found): destinations = found
        case .failure(let failure): return ServerTrial(untried: endpoint, kind: kind, configuration, failure.reason)
        }
        var last = ServerTrial(untried: endpoint, kind: kind, configuration, "the name has no address")
        for destination in destinations {
            last = ServerTrial(configuration, destination, tls: tls, kind: kind, id: id)
            if !last.lines.isEmpty { break }
        }
        return last
    }

    private mutating func lookUp(_ endpoint: RedisConfiguration.Endpoint) -> Result<[Destination], LinkFailure> {
        let loop: Loop
        do throws(LoopError) { loop = try Loop() } catch {
            return .failure(LinkFailure(cause: .unreachable, reason: "\(error)"))
        }
        let lookup = HostLookup([endpoint])
        var result = Result<[Destination], LinkFailure>.failure(
            LinkFailure(cause: .unreachable, reason: "resolving \(lookup.hosts): timed out"))
        let timer = Timer(loop: loop) {
            lookup.cancel()
            loop.stop()
        }
        timer.start(after: configuration.timings.connectTimeout)
        var isDone = false
        lookup.start(loop: loop) { found in
            result = found.mapError { LinkFailure(cause: .unreachable, reason: "resolving \(lookup.hosts): \($0)") }
            isDone = true
            loop.stop()
        }
        if !isDone { loop.run() }
        timer.close()
        if !loop.drain() { isLookupUnderWay = true }
        return result
    }
}
