/// How the file descriptors that a process may have (RLIMIT_NOFILE) are divided, so that apps cannot use up those that
/// the relay needs for Redis, for HTTP, and to notify a peer that there are too many.
///
/// What the relay always needs comes first. The rest is divided in proportion, and most of it goes to app connections.
package struct DescriptorBudget: Equatable, Sendable {
    /// What needs file descriptors in addition to app connections.
    package struct Needs: Sendable {
        /// Open before the relay opens any: standard input, output and error, and what was inherited.
        package var inherited = 3
        /// Connections to Redis, sentinels and cluster members that the relay always wants.
        package var links = 2
        /// Whether links to more masters may be needed, when their number is not known yet.
        package var hasMoreMasters = false
        package var http = HTTP.tcp

        package enum HTTP: Sendable { case off, tcp, unix }

        package init() {}
    }

    /// How many connections apps may have.
    package let connections: Int
    /// How many refused peers, at a time, get an Error and are then waited for.
    package let refused: Int
    /// How many connections the HTTP side may have.
    package let httpConnections: Int
    /// How many connections the HTTP side may accept at once, to replace others that are about to be closed.
    package let httpAccepts: Int

    /// The loop (its epoll, its wake-up, the pipes of its signals), the tick's timer, and the socket of the apps with its
    /// directory and lock.
    private static let own = 10
    /// Open for moments only: a lookup of a host name, a file with a password or certificates, the service manager,
    /// /proc, a connection that is about to be refused, a socket that is bound again.
    private static let passing = 6

    /// - Returns: nil if the limit is too small for one app.
    package init?(limit: Int, needs: Needs) {
        let rest = limit - Self.fixed(limit: limit, needs)
        guard rest >= Self.leastShared(needs) else { return nil }
        let http = needs.http == .off ? 0 : min(80, max(3, rest / 6))
        httpAccepts = needs.http == .off ? 0 : max(1, http / 5)
        httpConnections = http - httpAccepts
        refused = min(64, max(1, rest / 8))
        connections = rest - http - refused
    }

    /// The smallest limit for which there is a budget.
    package static func least(_ needs: Needs) -> Int {
        (1...).first { $0 - fixed(limit: $0, needs) >= leastShared(needs) } ?? .max
    }

    private static func fixed(limit: Int, _ needs: Needs) -> Int {
        var count = needs.inherited + own + passing + needs.links
        // The epoll and the socket of the HTTP side; for a path also its directory and lock.
        switch needs.http {
        case .off: break
        case .tcp: count += 2
        case .unix: count += 4
        }
        // Two links to each master, and as many again while masters are being replaced.
        if needs.hasMoreMasters { count += min(2048, limit / 4) }
        return count
    }

    /// One app and one refused peer; with HTTP, also a prober while two others are connected.
    private static func leastShared(_ needs: Needs) -> Int { needs.http == .off ? 2 : 5 }
}
