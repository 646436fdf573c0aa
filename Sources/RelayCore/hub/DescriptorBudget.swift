/// How the descriptors that a process may have (RLIMIT_NOFILE) are shared out, so that apps cannot use up those that the
/// relay needs for Redis, for HTTP, and to tell a peer that there are too many.
///
/// What the relay needs whatever happens comes first. The rest is shared in proportion: most of it goes to the
/// connections of apps.
package struct DescriptorBudget: Equatable, Sendable {
    /// What else there is that needs descriptors.
    package struct Needs: Sendable {
        /// Open before the relay has opened anything: standard input, output and error, and what was inherited.
        package var inherited = 3
        /// Connections to Redis, sentinels and cluster members that the relay always wants.
        package var links = 2
        /// Whether links to more masters may be needed, in a number that is not known yet.
        package var hasMoreMasters = false
        package var http = HTTP.tcp

        package enum HTTP: Sendable { case off, tcp, unix }

        package init() {}
    }

    /// Connections of apps.
    package let connections: Int
    /// Peers that are told why they are refused, and waited for, at a time.
    package let refused: Int
    /// Connections to the HTTP side.
    package let httpConnections: Int
    /// Connections to the HTTP side that may be accepted at once, in place of others that are about to be closed.
    package let httpAccepts: Int

    /// The loop (its epoll, its wake-up, the pipes of its signals), the tick's timer, and the socket of the apps with its
    /// directory and lock.
    private static let own = 10
    /// Open for moments only: a lookup of a host name, a file with a password or certificates, the service manager, /proc,
    /// a connection that is about to be refused, a socket that is bound anew.
    private static let passing = 6

    /// - Returns: nil when the limit is too small for one app.
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
        // Its epoll and its socket; and the directory and the lock of a path.
        switch needs.http {
        case .off: break
        case .tcp: count += 2
        case .unix: count += 4
        }
        // Two to each master, and as many again while masters are being replaced.
        if needs.hasMoreMasters { count += min(2048, limit / 4) }
        return count
    }

    /// One app, one that is refused, and a prober of HTTP while two others are there.
    private static func leastShared(_ needs: Needs) -> Int { needs.http == .off ? 2 : 5 }
}
