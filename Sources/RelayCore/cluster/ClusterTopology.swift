/// Which node of a cluster owns which hash slots, as one node sees it.
package struct ClusterTopology: Sendable, Equatable {
    /// Where a node can be reached.
    package struct Address: Hashable, Sendable {
        package var host: String
        package var port: UInt16

        package init(host: String, port: UInt16) { (self.host, self.port) = (host, port) }
    }

    /// A node that owns slots.
    package struct Master: Sendable, Equatable {
        package var address: Address
        /// In order; two ranges never touch.
        package var slots: [ClosedRange<UInt16>]
        /// The cluster's id of the node, which does not depend on its address; empty if the server does not report it.
        package var id: String

        package init(address: Address, slots: [ClosedRange<UInt16>], id: String) {
            (self.address, self.slots, self.id) = (address, slots, id)
        }

        /// Adds slots that come after those that it has.
        fileprivate mutating func add(_ range: ClosedRange<UInt16>) {
            if let last = slots.last, last.upperBound + 1 == range.lowerBound {
                slots[slots.count - 1] = last.lowerBound...range.upperBound
            } else {
                slots.append(range)
            }
        }
    }

    /// The nodes that own slots, in the order of their first slots.
    package private(set) var masters: [Master]
    /// Replicas and masters without slots, as far as they are reported; sorted, each once.
    package private(set) var others: [Address]

    /// - Parameters:
    ///   - masters: in any order; a master that comes several times has the slots of all its entries.
    ///   - others: in any order, repeated or not.
    /// - Returns: nil if there is no such slot, or if a slot has two owners.
    package init?(masters: [Master], others: [Address]) {
        var known: [Key: Int] = [:]
        var merged: [Master] = []
        var ranges: [(slots: ClosedRange<UInt16>, owner: Int)] = []
        for master in masters where !master.slots.isEmpty {
            let key = Key(id: master.id, address: master.address)
            let index = known[key] ?? merged.count
            if index == merged.count {
                known[key] = index
                merged.append(master)
                merged[index].slots = []
            }
            ranges += master.slots.map { ($0, index) }
        }
        ranges.sort { $0.slots.lowerBound < $1.slots.lowerBound }
        var free = 0
        for (slots, owner) in ranges {
            guard slots.lowerBound >= free, slots.upperBound < HashSlots.count else { return nil }
            free = Int(slots.upperBound) + 1
            merged[owner].add(slots)
        }
        let idle = masters.filter(\.slots.isEmpty).map(\.address)
        let owning = Set(merged.map(\.address))
        self.masters = merged.sorted { $0.slots[0].lowerBound < $1.slots[0].lowerBound }
        self.others = Set(others + idle).subtracting(owning).sorted { ($0.host, $0.port) < ($1.host, $1.port) }
    }

    private struct Key: Hashable {
        var id: String
        var address: Address
    }

    /// How many slots have an owner.
    package var slotCount: Int { masters.reduce(0) { $0 + $1.slots.reduce(0) { $0 + $1.count } } }

    /// The index in `masters` of each slot's owner; `.max` for a slot that nobody owns.
    package func owners() -> [UInt16] {
        var owners = [UInt16](repeating: .max, count: HashSlots.count)
        for (index, master) in masters.enumerated() {
            for range in master.slots {
                for slot in range { owners[Int(slot)] = UInt16(index) }
            }
        }
        return owners
    }

    /// The slot's owner; nil if nobody owns it.
    package func owner(of slot: UInt16) -> Master? {
        masters.first { $0.slots.contains { $0.contains(slot) } }
    }
}

extension ClusterTopology.Address: CustomStringConvertible {
    /// `host:port`, an IPv6 address in brackets.
    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Whether a text can be the host of a node: it has only characters that names and addresses have. The relay
    /// connects to what a server says and logs it, so nothing else is accepted.
    package static func isHost(_ text: some StringProtocol) -> Bool {
        (1...255).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "-._:%".utf8.contains(byte)
                }
            }
    }
}
