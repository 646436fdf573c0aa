package import RESP

// The relay asks for CLUSTER SLOTS, not for CLUSTER SHARDS. Every version knows SLOTS, and it comes from the same data
// that the server uses to answer MOVED. SHARDS comes from a second record, in which Redis and Valkey from 7.2 on have
// lost slots that had an owner, after a failover or an upgrade (redis/redis#13414, redis/redis#14495,
// valkey-io/valkey#784).

extension ClusterTopology {
    /// From the reply to CLUSTER SLOTS: `[first, last, master, replica, ...]` for each range, where a node is
    /// `[endpoint, port, id, metadata]`; servers before Redis 7 leave out the metadata, and before 4 the id.
    ///
    /// The reply contains no masters without slots, and no replicas that have failed or have not begun to replicate. It
    /// does not say whether a master has failed. Nothing in the reply can stop the relay: a reply that makes no sense
    /// is rejected.
    /// - Parameter host: the host of the connection that answered, used for nodes that are reported without a host.
    /// - Returns: nil if it is not such a reply, or if a slot has two owners.
    package init?(slots reply: RedisValue, host: String) {
        guard case .array(let entries) = reply, entries.count <= HashSlots.count else { return nil }
        var masters: [Master] = []
        var others: [Address] = []
        for entry in entries {
            guard case .array(let parts) = entry, parts.count >= 3, let range = Self.range(parts[0], parts[1]),
                let owner = Node(parts[2], host: host)
            else { return nil }
            // Slots of a master that cannot be connected to count as slots without an owner.
            if let address = owner.address { masters.append(Master(address: address, slots: [range], id: owner.id)) }
            for part in parts[3...] {
                guard let replica = Node(part, host: host) else { return nil }
                if let address = replica.address { others.append(address) }
            }
        }
        self.init(masters: masters, others: others)
    }

    /// A range of slots, both bounds included; nil if these are not valid bounds.
    static func range(_ first: RedisValue, _ last: RedisValue) -> ClosedRange<UInt16>? {
        guard case .integer(let first) = first, case .integer(let last) = last, 0 <= first, first <= last,
            last < HashSlots.count
        else { return nil }
        return UInt16(first)...UInt16(last)
    }

    /// A node as CLUSTER SLOTS reports it.
    private struct Node {
        let id: String
        /// nil if the node has no port for connections like this one (with or without TLS).
        let address: Address?

        init?(_ value: RedisValue, host: String) {
            guard case .array(let parts) = value, parts.count >= 2, let endpoint = ToldHost(parts[0]),
                case .integer(let number) = parts[1], let port = UInt16(exactly: number),
                let id = parts.count > 2 ? ToldID(parts[2])?.text : "",
                let ip = parts.count > 3 ? ToldHost(metadata: parts[3]) : ToldHost.none
            else { return nil }
            self.id = id
            address = port > 0 ? Address(host: endpoint.host(orElse: ip, host), port: port) : nil
        }
    }
}

/// The host of a node of a cluster, as a server reports it.
enum ToldHost {
    case host(String)
    /// The host of the server that answers.
    case none
    /// `?`: the cluster names its nodes by hostnames, and this node has announced none.
    case unknown

    /// nil if the value is not a host that could be connected to.
    init?(_ value: RedisValue) {
        switch value {
        case .nilValue, .bulk([]): self = .none
        case .bulk([UInt8(ascii: "?")]): self = .unknown
        case .bulk(let bytes):
            let text = String(decoding: bytes, as: UTF8.self)
            guard ClusterTopology.Address.isHost(text) else { return nil }
            self = .host(text)
        default: return nil
        }
    }

    /// The value of `ip` in a map, a list in which keys and values alternate; nil if it is not a map, or is larger than
    /// any that Redis sends.
    fileprivate init?(metadata value: RedisValue) {
        guard case .array(let parts) = value, parts.count.isMultiple(of: 2), parts.count <= 64 else { return nil }
        self = .none
        for index in stride(from: 0, to: parts.count, by: 2) where parts[index] == .bulk(Array("ip".utf8)) {
            guard let ip = ToldHost(parts[index + 1]) else { return nil }
            self = ip
        }
    }

    /// The host to connect to. If a node's hostname is unknown, its own IP address is used rather than that of the
    /// server that answered.
    func host(orElse ip: ToldHost, _ answering: String) -> String {
        switch (self, ip) {
        case (.host(let name), _), (.unknown, .host(let name)): name
        default: answering
        }
    }
}

/// The cluster's id of a node: 40 hex digits in all servers that exist.
struct ToldID {
    let text: String

    /// nil if the value is not a text that could be logged.
    init?(_ value: RedisValue) {
        guard case .bulk(let bytes) = value, bytes.count <= 64, bytes.allSatisfy({ 0x21...0x7e ~= $0 }) else {
            return nil
        }
        text = String(decoding: bytes, as: UTF8.self)
    }
}
