/// Where Redis is, how it is reached and how to log in there.
package struct RedisConfiguration: Sendable, Equatable {
    /// Where a server listens.
    package enum Endpoint: Sendable, Hashable {
        /// `host` is a name, an IPv4 address or an IPv6 address without brackets.
        case tcp(host: String, port: UInt16)
        /// An absolute path.
        case unix(path: String)

        /// nil for a path.
        package var host: String? { if case .tcp(let host, _) = self { host } else { nil } }
    }

    /// Which servers there are, and how to find the server to use.
    package enum Topology: Sendable, Equatable {
        /// One server; or several, of which the first that is a master is used. Never empty. A path is never one of
        /// several.
        case servers([Endpoint])
        /// The sentinels (at least one), and the name by which they know the master.
        case sentinel([Endpoint], service: String)
        /// Some nodes of a cluster (at least one), through which the others are found; and how messages go through it.
        case cluster([Endpoint], ClusterPubSub)
    }

    /// Who logs in, and with what.
    package struct Credentials: Sendable, Equatable {
        /// nil: the default user.
        package var username: String?
        /// nil: no AUTH, unless there is a ``passwordFile``. At most one of the two is set.
        package var password: String?
        /// A file that holds the password, to be read before connecting.
        package var passwordFile: String?

        package init(username: String? = nil, password: String? = nil, passwordFile: String? = nil) {
            (self.username, self.password, self.passwordFile) = (username, password, passwordFile)
        }

        /// No login.
        package static let none = Credentials()
    }

    package var topology: Topology
    package var credentials: Credentials
    /// For the sentinels; the servers have ``credentials``.
    package var sentinelCredentials: Credentials
    /// For every connection, those to sentinels included; nil: no TLS.
    package var tls: TLSConfiguration?
    /// What the names of the relay's connections in CLIENT LIST begin with. Printable ASCII without spaces.
    package var clientName: String
    /// After this many failed attempts of a link at the start, the relay gives up and ends; nil: it waits for Redis.
    package var attemptsAtStart: Int?

    package init(
        topology: Topology, credentials: Credentials = .none, sentinelCredentials: Credentials = .none,
        tls: TLSConfiguration? = nil, clientName: String = "hubrelay", attemptsAtStart: Int? = nil
    ) {
        (self.topology, self.credentials, self.sentinelCredentials) = (topology, credentials, sentinelCredentials)
        (self.tls, self.clientName, self.attemptsAtStart) = (tls, clientName, attemptsAtStart)
    }

    /// The topology as a URL, for logs and /health. Never has a user or a password.
    package var displayAddress: String {
        switch topology {
        case .servers(let endpoints):
            if case .unix(let path) = endpoints.first { return "unix://\(path)" }
            return "redis\(tls == nil ? "" : "s")://\(list(endpoints))"
        case .sentinel(let sentinels, let service):
            return "redis\(tls == nil ? "" : "s")-sentinel://\(list(sentinels))/\(service)"
        case .cluster(let nodes, _):
            return "redis\(tls == nil ? "" : "s")-cluster://\(list(nodes))"
        }
    }

    private func list(_ endpoints: [Endpoint]) -> String {
        endpoints.map(\.description).joined(separator: ",")
    }
}

extension RedisConfiguration.Endpoint: CustomStringConvertible {
    /// `host:port` or the path.
    package var description: String {
        switch self {
        case .tcp(let host, let port): "\(bracketed(host)):\(port)"
        case .unix(let path): path
        }
    }
}

/// How messages go through a cluster. What is published one way is not heard the other way, so a fleet has to agree.
package enum ClusterPubSub: String, Sendable, CaseIterable {
    /// SPUBLISH and SSUBSCRIBE: a channel lives on the one node that owns its slot, and there are no patterns.
    case sharded
    /// PUBLISH, SUBSCRIBE and PSUBSCRIBE: every message goes to every node.
    case classic
}

/// How the servers and the relay prove to each other who they are.
package struct TLSConfiguration: Sendable, Equatable {
    package enum Version: Sendable, Comparable { case v12, v13 }

    /// Certificates (PEM) of the authorities that may vouch for a server; nil: the system's store.
    package var caFile: String?
    /// The relay's own certificate, with its chain (PEM); nil if it has none.
    package var certificateFile: String?
    /// The key of that certificate (PEM). Never nil if there is a certificate; may be the same file.
    package var keyFile: String?
    /// The name that servers' certificates must have; nil: the host that was connected to.
    package var serverName: String?
    /// Whether any certificate is accepted.
    package var isInsecure: Bool
    package var versions: ClosedRange<Version>

    package init(
        caFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil, serverName: String? = nil,
        isInsecure: Bool = false, versions: ClosedRange<Version> = .v12 ... .v13
    ) {
        (self.caFile, self.certificateFile, self.keyFile) = (caFile, certificateFile, keyFile)
        (self.serverName, self.isInsecure, self.versions) = (serverName, isInsecure, versions)
    }
}
