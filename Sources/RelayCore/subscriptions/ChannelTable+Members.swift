/// Who receives by a name.
///
/// One member lies in the entry itself, several lie in a list. A list of more than `scannedMembers` has an index behind
/// it, in the same memory: an open-addressing table from a connection to its place in the list. So a connection is
/// found among ten thousand members as fast as among ten, and a frame costs no more if many others hold its channels.
///
///     | Member x capacity | place + 1, or 0: UInt32 x 2 x capacity |
extension ChannelTable {
    /// Up to so many members are searched one by one.
    private static let scannedMembers: UInt32 = 16

    /// The members of an entry, `memberCount` of them. Invariant: the pointer is invalid once a member has been added
    /// to the entry or removed from it, or an entry has been added.
    @inline(__always)
    func members(of index: UInt32) -> UnsafeMutablePointer<Member> {
        let entry = entries + Int(index)
        if let list = entry.pointee.memberList { return list }
        assert(MemoryLayout<Entry>.offset(of: \.onlyMember) == 0)
        return UnsafeMutableRawPointer(entry).assumingMemoryBound(to: Member.self)
    }

    func addMember(_ member: Member, to index: UInt32) {
        let entry = entries + Int(index)
        if entry.pointee.memberCount == max(1, entry.pointee.memberCapacity) { growMembers(of: index) }
        let place = entry.pointee.memberCount
        members(of: index)[Int(place)] = member
        entry.pointee.memberCount += 1
        memberIndex(of: index)?.insert(place)
    }

    /// The place of a connection among the members; nil if it is not a member.
    func memberPlace(_ connection: ConnectionID, of index: UInt32) -> Int? {
        if let memberIndex = memberIndex(of: index) { return memberIndex.place(of: connection) }
        let members = members(of: index)
        for place in 0..<Int(entries[Int(index)].memberCount) where members[place].connection == connection {
            return place
        }
        return nil
    }

    /// Removes and returns the member at `place`; the last member moves into its place.
    func removeMember(at place: Int, of index: UInt32) -> Member {
        let entry = entries + Int(index)
        let members = members(of: index)
        let removed = members[place]
        let last = Int(entry.pointee.memberCount) - 1
        if let memberIndex = memberIndex(of: index) {
            memberIndex.remove(removed.connection)
            if place != last { memberIndex.move(members[last].connection, to: UInt32(place)) }
        }
        entry.pointee.memberCount -= 1
        members[place] = members[last]
        if last == 0 { freeMemberList(of: index) }
        return removed
    }

    private func growMembers(of index: UInt32) {
        let entry = entries + Int(index)
        let capacity = max(4, entry.pointee.memberCapacity * 2)
        let count = Int(entry.pointee.memberCount)
        let hasIndex = capacity > Self.scannedMembers
        let places = hasIndex ? 2 * Int(capacity) : 0
        let grown = UnsafeMutableRawPointer.allocate(
            byteCount: Int(capacity) * MemoryLayout<Member>.stride + places * MemoryLayout<UInt32>.stride,
            alignment: MemoryLayout<Member>.alignment
        ).bindMemory(to: Member.self, capacity: Int(capacity))
        grown.update(from: members(of: index), count: count)
        entry.pointee.memberList?.deallocate()
        (entry.pointee.memberList, entry.pointee.memberCapacity) = (grown, capacity)
        guard hasIndex, let memberIndex = memberIndex(of: index) else { return }
        memberIndex.places.initialize(repeating: 0, count: places)
        for place in 0..<count { memberIndex.insert(UInt32(place)) }
    }

    func freeMemberList(of index: UInt32) {
        let entry = entries + Int(index)
        entry.pointee.memberList?.deallocate()
        (entry.pointee.memberList, entry.pointee.memberCapacity) = (nil, 0)
    }

    /// The index behind an entry's list, if the list is long enough to have one.
    @inline(__always)
    private func memberIndex(of index: UInt32) -> MemberIndex? {
        let entry = entries + Int(index)
        guard entry.pointee.memberCapacity > Self.scannedMembers, let list = entry.pointee.memberList else {
            return nil
        }
        let capacity = Int(entry.pointee.memberCapacity)
        let places = UnsafeMutableRawPointer(list + capacity).assumingMemoryBound(to: UInt32.self)
        return MemberIndex(members: list, places: places, mask: UInt32(2 * capacity - 1))
    }
}

/// A view of the index behind a list of members. At least half of its buckets are empty, so every search ends.
private struct MemberIndex {
    let members: UnsafeMutablePointer<ChannelTable.Member>
    /// A place in the list plus one; 0 for an empty bucket.
    let places: UnsafeMutablePointer<UInt32>
    /// The number of buckets less one. That number is a power of two, as capacities are.
    let mask: UInt32

    /// Indices are small numbers that lie close together: multiplying spreads them (Knuth, TAOCP 6.4).
    private func home(of connection: ConnectionID) -> UInt32 {
        (UInt32(truncatingIfNeeded: connection.index) &* 2_654_435_769) >> 7 & mask
    }

    private func connection(at bucket: UInt32) -> ConnectionID { members[Int(places[Int(bucket)]) - 1].connection }

    /// The bucket of a connection, or the empty one where it would go.
    private func bucket(of connection: ConnectionID) -> UInt32 {
        var bucket = home(of: connection)
        while places[Int(bucket)] != 0, self.connection(at: bucket) != connection { bucket = (bucket + 1) & mask }
        return bucket
    }

    func place(of connection: ConnectionID) -> Int? {
        let place = places[Int(bucket(of: connection))]
        return place == 0 ? nil : Int(place) - 1
    }

    func insert(_ place: UInt32) { places[Int(bucket(of: members[Int(place)].connection))] = place + 1 }

    func move(_ connection: ConnectionID, to place: UInt32) { places[Int(bucket(of: connection))] = place + 1 }

    /// To be called while the list still has the member. Backward-shift deletion: no tombstones.
    func remove(_ connection: ConnectionID) {
        var hole = bucket(of: connection)
        var probe = (hole + 1) & mask
        while places[Int(probe)] != 0 {
            let home = self.home(of: self.connection(at: probe))
            if (probe &- home) & mask >= (probe &- hole) & mask {
                places[Int(hole)] = places[Int(probe)]
                hole = probe
            }
            probe = (probe + 1) & mask
        }
        places[Int(hole)] = 0
    }
}
