/// All channels and patterns that somebody on this host wants, by name: open addressing with linear probing over
/// indices into a slab of entries. A name is stored without the prefix. Indices stay valid until their entry is freed.
package final class ChannelTable {
    /// What Redis has been told about a name on the subscribe link that is open now.
    enum Phase: UInt8 {
        case absent, subscribing, subscribed, unsubscribing
    }

    /// A connection that receives what comes on the name, and where the name stands in that connection's own list.
    struct Member {
        var connection: ConnectionID
        var position: UInt32
    }

    /// One cache line: a message on one of very many channels is a walk through memory that is in no cache.
    struct Entry {
        /// The one member, in place, as nearly every channel has, unless there is a list. First, so that it can be pointed
        /// at like a list of one.
        var onlyMember = Member(connection: ConnectionID(index: 0), position: 0)
        /// The name where it is short enough, or else where it is. Second, so that it can be pointed at.
        fileprivate var nameStorage: (UInt64, UInt64) = (0, 0)
        /// The members, once there have been several; see `ChannelTable+Members`.
        var memberList: UnsafeMutablePointer<Member>?
        var memberCount: UInt32 = 0
        /// Of the list; 0: there is none.
        var memberCapacity: UInt32 = 0
        var hash: UInt32
        /// Requests that name it and have not been answered. Nobody receives by these.
        var pendingCount: UInt32 = 0
        /// The first of the requests that wait for Redis's answer on it; 0: none.
        var firstWaiter: UInt32 = 0
        var nameCount: UInt16
        /// The node whose share it is, as an index in `Hub.nodes`.
        var node: UInt16 = 0
        /// The hash slot, where that decides about the node.
        var slot: UInt16 = 0
        var isPattern: Bool
        var phase = Phase.absent
        /// In the list of names about which Redis is to be told something.
        var isQueued = false
        /// Held when the restore under way began, or when it came from another node, and not yet confirmed.
        var isRestoring = false

        fileprivate init(hash: UInt32, nameCount: UInt16, isPattern: Bool) {
            (self.hash, self.nameCount, self.isPattern) = (hash, nameCount, isPattern)
        }

        fileprivate static let nameOffset = MemoryLayout<Member>.stride
        fileprivate var isNameInPlace: Bool { Int(nameCount) <= MemoryLayout.size(ofValue: nameStorage) }
        /// Of a name that is not in place.
        fileprivate var nameElsewhere: UnsafeMutableRawPointer {
            UnsafeMutableRawPointer(bitPattern: UInt(nameStorage.0)).unsafelyUnwrapped
        }

        var isWanted: Bool { memberCount > 0 || pendingCount > 0 }
        /// Redis has confirmed it, and not its end.
        @inline(__always)
        var isAtRedis: Bool { phase == .subscribed || phase == .unsubscribing }
        /// Nobody wants it and Redis knows nothing of it.
        var isUnused: Bool { !isWanted && phase == .absent && !isQueued }
    }

    static let none = UInt32.max

    private(set) var entries: UnsafeMutablePointer<Entry>
    private var entryCapacity = 64
    /// Entries that are initialized, some of which have been removed: nobody wants these.
    private(set) var entriesUsed = 0
    private var freeList: [UInt32] = []
    private var buckets: UnsafeMutablePointer<UInt32>
    private var mask: UInt32 = 127
    /// Names in the table.
    private(set) var count = 0
    /// Makes hashes of names, which users of the app may choose, unpredictable.
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

    /// The entry of a name, or `none`.
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

    /// The name of an entry. Invariant: the pointer is of no use once an entry has been added, or this one removed.
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

    /// Calls `body` with the index of every entry; `body` may remove none but the one it was given, and add none.
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
    /// past the name: the loop stops before the last one, which ends with it.
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
    /// The last eight bytes, some of which the word before them may have had already; of fewer bytes all of them, each at
    /// least once. Names of one length differ in it if they differ there.
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
