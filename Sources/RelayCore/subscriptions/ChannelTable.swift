/// All channels and patterns that an app of this relay subscribes to, or the relay itself, by name: open addressing
/// with linear probing over indices into a slab of entries. A name is stored without the prefix. An index stays valid
/// until its entry is freed.
package final class ChannelTable {
    /// What Redis has been told about a name on the subscribe link that is open now.
    enum Phase: UInt8 {
        case absent, subscribing, subscribed, unsubscribing
    }

    /// A connection that receives by the name, and the position of the name in that connection's own list.
    struct Member {
        var connection: ConnectionID
        var position: UInt32
    }

    /// One cache line: with very many channels, a message on one of them has to read memory that is in no cache.
    struct Entry {
        /// The only member, in place, unless there is a list: nearly every channel has one member. It is the first
        /// field, so that a pointer to it can serve as a list of one.
        var onlyMember = Member(connection: ConnectionID(index: 0), position: 0)
        /// The name itself if it is short enough, otherwise its address. Second, so that a pointer can point to it.
        fileprivate var nameStorage: (UInt64, UInt64) = (0, 0)
        /// The members, once there have been several; see `ChannelTable+Members`.
        var memberList: UnsafeMutablePointer<Member>?
        var memberCount: UInt32 = 0
        /// The capacity of the list; 0 if there is no list.
        var memberCapacity: UInt32 = 0
        var hash: UInt32
        /// How many unanswered requests name it. By these alone no connection receives.
        var pendingCount: UInt32 = 0
        /// The first of the requests that wait for Redis's answer about it; 0 if none does.
        var firstWaiter: UInt32 = 0
        var nameCount: UInt16
        /// The node that the name belongs to, as an index in `Hub.nodes`.
        var node: UInt16 = 0
        /// The hash slot, if that determines the node.
        var slot: UInt16 = 0
        var isPattern: Bool
        var phase = Phase.absent
        /// Whether it is in the list of names about which Redis must be told something.
        var isQueued = false
        /// Whether it was held when the restore began, or when it came from another node, and is not confirmed yet.
        var isRestoring = false

        fileprivate init(hash: UInt32, nameCount: UInt16, isPattern: Bool) {
            (self.hash, self.nameCount, self.isPattern) = (hash, nameCount, isPattern)
        }

        fileprivate static let nameOffset = MemoryLayout<Member>.stride
        fileprivate var isNameInPlace: Bool { Int(nameCount) <= MemoryLayout.size(ofValue: nameStorage) }
        /// The address of a name that is not in place.
        fileprivate var nameElsewhere: UnsafeMutableRawPointer {
            UnsafeMutableRawPointer(bitPattern: UInt(nameStorage.0)).unsafelyUnwrapped
        }

        var isWanted: Bool { memberCount > 0 || pendingCount > 0 }
        /// Whether Redis has confirmed the subscription, and has not confirmed its end.
        @inline(__always)
        var isAtRedis: Bool { phase == .subscribed || phase == .unsubscribing }
        /// Whether nobody wants the name and Redis does not have it.
        var isUnused: Bool { !isWanted && phase == .absent && !isQueued }
    }

    static let none = UInt32.max

    private(set) var entries: UnsafeMutablePointer<Entry>
    private var entryCapacity = 64
    /// Entries that are initialized. Nobody wants those of them that have been removed.
    private(set) var entriesUsed = 0
    private var freeList: [UInt32] = []
    private var buckets: UnsafeMutablePointer<UInt32>
    private var mask: UInt32 = 127
    /// Names in the table.
    private(set) var count = 0
    /// Makes the hashes of names unpredictable, since users of the app may choose names.
    private let seed: UInt64

    init(seed: UInt64) {
        self.seed = seed
        entries = Self.allocateEntries(entryCapacity)
        buckets = .allocate(capacity: Int(mask) + 1)
        buckets.initialize(repeating: Self.none, count: Int(mask) + 1)
    }

    deinit {
        forEach { index in
            if !entries[Int(index)].isNameInPlace { entries[Int(index)].nameElsewhere.deallocate() }
            freeMemberList(of: index)
        }
        entries.deallocate()
        buckets.deallocate()
    }

    /// The index of a name's entry, or `none`.
    @inline(__always)
    func find(_ name: UnsafeRawBufferPointer, isPattern: Bool) -> UInt32 {
        buckets[Int(bucket(of: name, hash: hash(name, isPattern: isPattern), isPattern: isPattern))]
    }

    func findOrInsert(_ name: UnsafeRawBufferPointer, isPattern: Bool) -> UInt32 {
        let hash = hash(name, isPattern: isPattern)
        var bucket = bucket(of: name, hash: hash, isPattern: isPattern)
        if buckets[Int(bucket)] != Self.none { return buckets[Int(bucket)] }
        if UInt32(count) * 2 >= mask {
            growBuckets()
            bucket = self.bucket(of: name, hash: hash, isPattern: isPattern)
        }
        let index = allocateEntry()
        (entries + Int(index)).initialize(to: Entry(hash: hash, nameCount: UInt16(name.count), isPattern: isPattern))
        store(name, in: index)
        buckets[Int(bucket)] = index
        count += 1
        return index
    }

    /// The name of an entry. Invariant: the pointer is invalid once an entry has been added, or this one removed.
    @inline(__always)
    func name(of index: UInt32) -> UnsafeRawBufferPointer {
        let entry = entries + Int(index)
        assert(MemoryLayout<Entry>.offset(of: \.nameStorage) == Entry.nameOffset)
        let start =
            entry.pointee.isNameInPlace
            ? UnsafeRawPointer(entry) + Entry.nameOffset : UnsafeRawPointer(entry.pointee.nameElsewhere)
        return UnsafeRawBufferPointer(start: start, count: Int(entry.pointee.nameCount))
    }

    private func store(_ name: UnsafeRawBufferPointer, in index: UInt32) {
        let entry = entries + Int(index)
        if !entry.pointee.isNameInPlace {
            let copy = UnsafeMutableRawPointer.allocate(byteCount: name.count, alignment: 1)
            entry.pointee.nameStorage.0 = UInt64(UInt(bitPattern: copy))
        }
        guard let source = name.baseAddress else { return }
        UnsafeMutableRawPointer(mutating: self.name(of: index).baseAddress.unsafelyUnwrapped)
            .copyMemory(from: source, byteCount: name.count)
    }

    /// Frees an entry that nobody wants and Redis does not have. Backward-shift deletion: no tombstones.
    func remove(_ index: UInt32) {
        let entry = entries[Int(index)]
        assert(!entry.isWanted && entry.phase == .absent && !entry.isQueued && entry.firstWaiter == 0)
        var hole = entry.hash & mask
        while buckets[Int(hole)] != index {
            precondition(buckets[Int(hole)] != Self.none, "an entry is removed once, while it is in the table")
            hole = (hole + 1) & mask
        }
        var probe = (hole + 1) & mask
        while buckets[Int(probe)] != Self.none {
            let home = entries[Int(buckets[Int(probe)])].hash
            if (probe &- home) & mask >= (probe &- hole) & mask {
                buckets[Int(hole)] = buckets[Int(probe)]
                hole = probe
            }
            probe = (probe + 1) & mask
        }
        buckets[Int(hole)] = Self.none
        if !entry.isNameInPlace { entry.nameElsewhere.deallocate() }
        freeMemberList(of: index)
        freeList.append(index)
        count -= 1
    }

    /// Calls `body` with the index of every entry. `body` must not add entries, nor remove any but the one given.
    func forEach(_ body: (UInt32) -> Void) {
        guard count > 0 else { return }
        var indices: [UInt32] = []
        indices.reserveCapacity(count)
        for bucket in 0...Int(mask) where buckets[bucket] != Self.none { indices.append(buckets[bucket]) }
        for index in indices { body(index) }
    }

    // MARK: Memory

    private func allocateEntry() -> UInt32 {
        if let index = freeList.popLast() { return index }
        if entriesUsed == entryCapacity {
            let grown = Self.allocateEntries(entryCapacity * 2)
            grown.moveInitialize(from: entries, count: entriesUsed)
            entries.deallocate()
            (entries, entryCapacity) = (grown, entryCapacity * 2)
        }
        entriesUsed += 1
        return UInt32(entriesUsed - 1)
    }

    /// Memory for entries that lie each in one cache line.
    private static func allocateEntries(_ count: Int) -> UnsafeMutablePointer<Entry> {
        assert(MemoryLayout<Entry>.stride == 64)
        return UnsafeMutableRawPointer.allocate(byteCount: count * MemoryLayout<Entry>.stride, alignment: 64)
            .bindMemory(to: Entry.self, capacity: count)
    }

    private func growBuckets() {
        let old = buckets
        let oldCount = Int(mask) + 1
        mask = mask * 2 + 1
        buckets = .allocate(capacity: Int(mask) + 1)
        buckets.initialize(repeating: Self.none, count: Int(mask) + 1)
        for oldBucket in 0..<oldCount where old[oldBucket] != Self.none {
            var bucket = entries[Int(old[oldBucket])].hash & mask
            while buckets[Int(bucket)] != Self.none { bucket = (bucket + 1) & mask }
            buckets[Int(bucket)] = old[oldBucket]
        }
        old.deallocate()
    }

    // MARK: Hashing

    /// The bucket that holds the name, or the empty one where it would go.
    @inline(__always)
    private func bucket(of name: UnsafeRawBufferPointer, hash: UInt32, isPattern: Bool) -> UInt32 {
        var bucket = hash & mask
        while buckets[Int(bucket)] != Self.none {
            let entry = entries + Int(buckets[Int(bucket)])
            if entry.pointee.hash == hash, entry.pointee.isPattern == isPattern,
                self.name(of: buckets[Int(bucket)]).hasSameBytes(as: name)
            {
                break
            }
            bucket = (bucket + 1) & mask
        }
        return bucket
    }

    /// Folded multiplication over words of eight bytes, keyed by the seed (the construction of wyhash). No word reaches
    /// past the name: the loop stops before the last word, which ends where the name ends.
    @inline(__always)
    private func hash(_ name: UnsafeRawBufferPointer, isPattern: Bool) -> UInt32 {
        var hash = seed ^ UInt64(name.count) << 1 ^ (isPattern ? 1 : 0)
        var index = 0
        while index + 8 < name.count {
            hash = Self.fold(hash ^ name.loadUnaligned(fromByteOffset: index, as: UInt64.self), 0xA076_1D64_78BD_642F)
            index += 8
        }
        hash = Self.fold(hash ^ name.lastWord, 0xE703_7ED1_A0B4_28DB ^ seed)
        return UInt32(truncatingIfNeeded: hash ^ hash >> 32)
    }

    @inline(__always)
    private static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }
}

extension UnsafeRawBufferPointer {
    /// The last eight bytes, some of which may also be in the word before them. If there are fewer bytes, it has all of
    /// them, each at least once. Two names of one length that differ in these bytes differ in this word.
    @inline(__always)
    fileprivate var lastWord: UInt64 {
        if count >= 8 { return loadUnaligned(fromByteOffset: count - 8, as: UInt64.self) }
        if count >= 4 {
            let first = loadUnaligned(as: UInt32.self)
            return UInt64(first) << 32 | UInt64(loadUnaligned(fromByteOffset: count - 4, as: UInt32.self))
        }
        guard count > 0 else { return 0 }
        return UInt64(self[0]) << 16 | UInt64(self[count / 2]) << 8 | UInt64(self[count - 1])
    }

    /// Compares eight bytes at a time; names are short. No word reaches past the end, as in `hash`.
    @inline(__always)
    package func hasSameBytes(as other: UnsafeRawBufferPointer) -> Bool {
        guard count == other.count else { return false }
        var index = 0
        while index + 8 < count {
            guard
                loadUnaligned(fromByteOffset: index, as: UInt64.self)
                    == other.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            else { return false }
            index += 8
        }
        return lastWord == other.lastWord
    }
}
