@testable import RelayCore

/// What a member of a cluster believes about who has which slots, and its answers according to that.
final class Membership {
    /// Which of the members it is.
    let number: Int
    /// By slot, the number of the member that has it; nil: nobody.
    private var owners: [Int?]
    private let hashSlots = HashSlots(prefix: [])
    /// Commands that named channels of several slots, which is a mistake of the relay's.
    private(set) var crossSlotCount = 0

    init(number: Int) {
        self.number = number
        owners = Array(repeating: 0, count: HashSlots.count)
    }

    func slot(of name: [UInt8]) -> UInt16 { name.withUnsafeBytes { hashSlots.slot(of: $0) } }

    func owner(of slot: UInt16) -> Int? { owners[Int(slot)] }

    /// - Returns: whether the member has lost the slot by that.
    func believe(_ slot: UInt16, isAt owner: Int?) -> Bool {
        defer { owners[Int(slot)] = owner }
        return owners[Int(slot)] == number && owner != number
    }

    /// The error in reply to a command that has these names; nil if there is none.
    func error(of names: [[UInt8]]) -> String? {
        let slots = Set(names.map(slot))
        guard slots.count <= 1, let slot = slots.first else {
            crossSlotCount += 1
            return "CROSSSLOT Keys in request don't hash to the same slot"
        }
        switch owner(of: slot) {
        case number: return nil
        case nil: return "CLUSTERDOWN Hash slot not served"
        case let owner?: return "MOVED \(slot) 127.0.0.1:\(Self.firstPort + owner)"
        }
    }

    /// The port of member 0 in the answers of members. The ports of the others follow.
    static let firstPort = 7000
}

extension FakeRedis {
    /// The member learns who has a slot. If it loses the slot, it unsubscribes everybody from its names by itself.
    func learn(_ slot: UInt16, isAt owner: Int?) {
        guard let membership, membership.believe(slot, isAt: owner) else { return }
        let lost = subscribed.filter { membership.slot(of: $0.bytes) == slot }
        for name in lost.sorted(by: { $0.bytes.lexicographicallyPrecedes($1.bytes) }) { unsubscribeByItself(name) }
    }
}
