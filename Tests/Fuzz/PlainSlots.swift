/// CLUSTER SLOTS read in the slow and obvious way, slot by slot. `ClusterTopology` is compared with it.
struct PlainSlots {
    struct Owner: Hashable {
        var id: String
        var address: ClusterTopology.Address
    }

    /// All nodes that own slots.
    private(set) var nodes: [Owner] = []
    /// By slot, the place of its owner in `nodes`; -1: nobody owns it.
    private(set) var owners = Array(repeating: -1, count: 16_384)
    private(set) var replicas: Set<ClusterTopology.Address> = []

    /// nil if this is not an answer to CLUSTER SLOTS, or if a slot comes twice.
    init?(_ reply: RedisValue, host: String) {
        guard case .array(let entries) = reply, entries.count <= 16_384 else { return nil }
        var isTwice = false
        for entry in entries {
            guard case .array(let parts) = entry, parts.count >= 3, case .integer(let first) = parts[0],
                case .integer(let last) = parts[1], 0 <= first, first <= last, last <= 16_383
            else { return nil }
            for (index, part) in parts.enumerated() where index >= 2 {
                guard let node = Self.node(part, host: host) else { return nil }
                guard let address = node.address else { continue }
                if index > 2 {
                    replicas.insert(address)
                    continue
                }
                let owner = Owner(id: node.id, address: address)
                let place = nodes.firstIndex(of: owner) ?? nodes.count
                if place == nodes.count { nodes.append(owner) }
                for slot in Int(first)...Int(last) where !isTwice {
                    isTwice = owners[slot] >= 0
                    owners[slot] = place
                }
            }
        }
        if isTwice { return nil }
    }

    private static func node(_ value: RedisValue, host: String) -> (id: String, address: ClusterTopology.Address?)? {
        guard case .array(let parts) = value, parts.count >= 2, case .integer(let port) = parts[1], 0...65535 ~= port,
            isEndpoint(parts[0])
        else { return nil }
        var (id, ip) = ("", RedisValue.nilValue)
        if parts.count > 2 {
            guard case .bulk(let bytes) = parts[2], bytes.count <= 64, bytes.allSatisfy({ 0x21...0x7e ~= $0 }) else {
                return nil
            }
            id = String(decoding: bytes, as: UTF8.self)
        }
        if parts.count > 3 {
            guard case .array(let map) = parts[3], map.count <= 64, map.count % 2 == 0 else { return nil }
            for index in map.indices where index % 2 == 0 && map[index] == .bulk(Array("ip".utf8)) {
                guard isEndpoint(map[index + 1]) else { return nil }
                ip = map[index + 1]
            }
        }
        if port == 0 { return (id, nil) }
        var place = host
        if let name = name(parts[0]) {
            place = name
        } else if parts[0] == .bulk([UInt8(ascii: "?")]), let name = name(ip) {
            place = name
        }
        return (id, ClusterTopology.Address(host: place, port: UInt16(port)))
    }

    private static func isEndpoint(_ value: RedisValue) -> Bool {
        value == .nilValue || value == .bulk([]) || value == .bulk([UInt8(ascii: "?")]) || name(value) != nil
    }

    private static func name(_ value: RedisValue) -> String? {
        let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:%".utf8)
        guard case .bulk(let bytes) = value, 1...255 ~= bytes.count, bytes.allSatisfy(letters.contains) else {
            return nil
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
