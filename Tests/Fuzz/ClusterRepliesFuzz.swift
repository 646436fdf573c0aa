/// Whatever nodes of a cluster answer, the owner of a slot is the one that a slow and plain reader finds. Redirections
/// and CLUSTER INFO survive being written and read again. What a view believes is consistent.
func fuzzClusterReplies(_ input: UnsafeRawBufferPointer) {
    var choices = Choices(input)
    var view = ClusterView()
    var now: UInt64 = 0
    for value in wholeReplies(in: input, size: { 1 + choices.next(60) }) {
        now += UInt64(choices.next(1_500)) * 1_000_000
        switch value {
        case .array:
            guard let topology = checkedSlots(value) else { continue }
            let before = view.owner(of: 0)
            let verdict = view.answered(topology, epoch: UInt64(choices.next(4)), now: now)
            precondition(verdict == .changed || view.owner(of: 0) == before)
            precondition(verdict == .outdated || view.topology == topology)
        case .bulk(let bytes): checkInfo(String(decoding: bytes, as: UTF8.self))
        case .error(let text), .status(let text):
            guard let redirection = checkedRedirection(text), redirection.kind == .moved else { continue }
            let address = ClusterTopology.Address(host: redirection.host ?? "asked", port: redirection.port)
            let isNews = view.redirected(redirection.slot, to: address, now: now)
            if isNews { precondition(view.owner(of: redirection.slot) == address) }
            guard view.topology != nil else { continue }
            precondition(view.owners[Int(redirection.slot)] == view.owner(of: redirection.slot))
        default: break
        }
    }
}

private func checkedSlots(_ value: RedisValue) -> ClusterTopology? {
    let topology = ClusterTopology(slots: value, host: "asked")
    let plain = PlainSlots(value, host: "asked")
    precondition((topology == nil) == (plain == nil))
    guard let topology, let plain else { return nil }
    let owners = topology.owners()
    let places = topology.masters.map {
        plain.nodes.firstIndex(of: PlainSlots.Owner(id: $0.id, address: $0.address)) ?? -2
    }
    precondition(places.count == plain.nodes.count)
    for slot in 0..<owners.count {
        precondition((owners[slot] == .max ? -1 : places[Int(owners[slot])]) == plain.owners[slot])
    }
    precondition(topology.slotCount == plain.owners.count { $0 >= 0 })
    let owning = Set(topology.masters.map(\.address))
    precondition(Set(topology.others) == plain.replicas.subtracting(owning))
    precondition(Set(topology.others).count == topology.others.count)
    for master in topology.masters {
        for (slots, following) in zip(master.slots, master.slots.dropFirst()) {
            precondition(slots.upperBound + 1 < following.lowerBound)
        }
        for edge in [master.slots.first?.lowerBound, master.slots.last?.upperBound].compactMap(\.self) {
            precondition(topology.owner(of: edge) == master)
        }
    }
    return topology
}

private func checkedRedirection(_ text: String) -> Redirection? {
    let redirection = Redirection(text)
    let words = text.split(separator: " ", omittingEmptySubsequences: false)
    guard let redirection else { return nil }
    precondition(words.count == 3 && words[0] == (redirection.kind == .moved ? "MOVED" : "ASK"))
    precondition(Redirection.isOfTheCluster(text))
    precondition(redirection.slot < 16_384 && redirection.port > 0)
    let digits = words[1].utf8 + words[2].utf8.reversed().prefix { $0 != UInt8(ascii: ":") }
    precondition(digits.allSatisfy { (48...57).contains($0) })
    precondition(redirection.host.map { ClusterTopology.Address.isHost($0) } ?? true)
    precondition(
        Redirection("\(words[0]) \(redirection.slot) \(redirection.host ?? ""):\(redirection.port)") == redirection)
    return redirection
}

private func checkInfo(_ text: String) {
    guard let info = ClusterInfo(text) else { return }
    for slots in [info.slotsAssigned, info.slotsOK, info.slotsPfail, info.slotsFail] {
        precondition(0...16_384 ~= slots)
    }
    precondition(info.knownNodes >= 0 && info.size >= 0 && !(info.isOK && info.isInMinority))
    let fields = [
        "cluster_enabled:1", "cluster_state:\(info.isOK ? "ok" : "fail")",
        "cluster_slots_assigned:\(info.slotsAssigned)", "cluster_slots_ok:\(info.slotsOK)",
        "cluster_slots_pfail:\(info.slotsPfail)", "cluster_slots_fail:\(info.slotsFail)",
        "cluster_known_nodes:\(info.knownNodes)", "cluster_size:\(info.size)",
        "cluster_current_epoch:\(info.currentEpoch)", "",
    ]
    precondition(ClusterInfo(fields.joined(separator: "\r\n")) == info)
}
