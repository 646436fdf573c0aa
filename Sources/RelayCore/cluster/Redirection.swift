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
    /// nil means the host of the node that answered, which does not know the other host, or is configured not to name
    /// it.
    package var host: String?
    package var port: UInt16

    /// - Parameter error: what Redis answered, without its `-`.
    /// - Returns: nil for any other error, and for one with a slot or an address that cannot exist.
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

    /// Digits only: `UInt16` would accept a plus sign.
    private static func number(_ text: Substring) -> UInt16? {
        text.first == "+" ? nil : UInt16(text)
    }

    /// Whether an error says that the cluster cannot take the command here and now: the slot is elsewhere, on its way,
    /// or not served. Another try may succeed, after the relay has asked the cluster for its slots. CROSSSLOT is not
    /// one of these errors: it is a mistake of the relay.
    package static func isOfTheCluster(_ error: String) -> Bool {
        let word = error.prefix { $0 != " " }
        return ["MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN"].contains { $0 == word }
    }
}
