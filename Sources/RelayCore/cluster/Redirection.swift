/// The error with which a node of a cluster sends a command to another one: `MOVED 3999 127.0.0.1:6381`, or `ASK`
/// (Redis Cluster specification, "Redirection and resharding").
package struct Redirection: Equatable, Sendable {
    package enum Kind: Sendable {
        /// The slot belongs to the other node from now on.
        case moved
        /// The slot is on its way to the other node; this command alone goes there.
        case ask
    }

    package var kind: Kind
    package var slot: UInt16
    /// nil: the host of the node that answered, which knows no better or was told to say none.
    package var host: String?
    package var port: UInt16

    /// - Parameter error: what Redis answered, without its `-`.
    /// - Returns: nil for any other error, and for one that names no slot or no place that there could be.
    package init?(_ error: String) {
        let words = error.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, let slot = Self.number(words[1]), slot < HashSlots.count else { return nil }
        switch words[0] {
        case "MOVED": kind = .moved
        case "ASK": kind = .ask
        default: return nil
        }
        // The last colon, since an IPv6 address stands there without brackets.
        guard let colon = words[2].lastIndex(of: ":"),
            let port = Self.number(words[2][words[2].index(after: colon)...]), port > 0
        else { return nil }
        let host = words[2][..<colon]
        let isUnknown = host.isEmpty || host == "?"
        guard isUnknown || ClusterTopology.Address.isHost(host) else { return nil }
        (self.slot, self.host, self.port) = (slot, isUnknown ? nil : String(host), port)
    }

    /// Digits alone: `UInt16` would take a plus sign.
    private static func number(_ text: Substring) -> UInt16? {
        text.first == "+" ? nil : UInt16(text)
    }

    /// Whether an error says that the cluster cannot take the command here and now: the slot is elsewhere, on its way,
    /// or away. Another try, after a look at the cluster, may succeed. CROSSSLOT is none of these: it is our mistake.
    package static func isOfTheCluster(_ error: String) -> Bool {
        let word = error.prefix { $0 != " " }
        return ["MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN"].contains { $0 == word }
    }
}
