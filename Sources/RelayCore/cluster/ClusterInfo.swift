/// What CLUSTER INFO says: the state of the cluster, as one node sees it.
package struct ClusterInfo: Sendable, Equatable {
    /// `cluster_state`: the node serves its slots.
    package var isOK: Bool
    /// Slots that have an owner.
    package var slotsAssigned: Int
    /// Slots whose owner is not suspected.
    package var slotsOK: Int
    /// Slots whose owner this node cannot reach.
    package var slotsPfail: Int
    /// Slots whose owner most masters cannot reach.
    package var slotsFail: Int
    package var knownNodes: Int
    /// Masters that own slots.
    package var size: Int
    /// Grows with each failover and each configuration change.
    package var currentEpoch: UInt64

    /// - Parameter text: the reply, lines of `field:value`; unknown fields are skipped.
    /// - Returns: nil if a field is missing, or has an impossible value.
    package init?(_ text: String) {
        var fields: [Substring: Substring] = [:]
        // A carriage return and a line feed are one character to Swift.
        for line in text.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { fields[parts[0]] = parts[1] }
        }
        func number(_ name: Substring, atMost limit: Int = .max) -> Int? {
            fields[name].flatMap { Int($0) }.flatMap { 0...limit ~= $0 ? $0 : nil }
        }
        func slots(_ name: Substring) -> Int? { number(name, atMost: HashSlots.count) }
        guard let state = fields["cluster_state"], state == "ok" || state == "fail",
            let assigned = slots("cluster_slots_assigned"), let ok = slots("cluster_slots_ok"),
            let pfail = slots("cluster_slots_pfail"), let fail = slots("cluster_slots_fail"),
            let knownNodes = number("cluster_known_nodes"), let size = number("cluster_size"),
            let epoch = fields["cluster_current_epoch"].flatMap({ UInt64($0) })
        else { return nil }
        isOK = state == "ok"
        (slotsAssigned, slotsOK, slotsPfail, slotsFail) = (assigned, ok, pfail, fail)
        (self.knownNodes, self.size, currentEpoch) = (knownNodes, size, epoch)
    }

    /// Whether the node is cut off from most of the cluster, which may have replaced the nodes that this one still
    /// reaches.
    package var isInMinority: Bool { !isOK && slotsAssigned > 0 && slotsOK * 2 <= slotsAssigned }
}
