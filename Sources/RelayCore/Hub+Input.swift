/// What is held of frames that apps have begun to write, and of frames that have to wait, is bounded over all connections.
///
/// A large frame is read on only when there is room for all of it. Who finds none is not read from, and its clock stands,
/// until others have finished theirs; and these have a second for that as soon as somebody waits. So half frames cannot fill
/// the memory. Whoever begins many of them and finishes none keeps other large frames waiting, for a second for each time
/// that they fill the bound; small frames wait for nobody.
extension Hub {
    /// Bytes of frames, begun or waiting, for which there is room over all connections; the same as for unread output.
    private var inputBound: Int { max(outboxes.bounds.maxBuffered, 4 + identity.maxFrameBytes) }

    /// While others wait for room, a frame has to be finished within so many nanoseconds.
    private var crowdedFrameTimeout: UInt64 { min(1_000_000_000, limits.frameTimeout) }

    /// What one read takes of a connection while room is short, so that not even its beginnings fill the memory.
    private static let smallRead = 4 << 10

    /// How many bytes may be read from a connection at once.
    @inline(__always)
    package func readLimit(_ slot: Int) -> Int {
        // Unread Replies make it short as well: what is read brings more of them, from thousands in one turn.
        guard max(inputHeld, inputRoom) >= inputBound / 2 || outboxes.isControlTight else { return .max }
        return max(Self.smallRead, sessions[slot].room - splitters[slot].heldBytes)
    }

    /// Bytes for which a connection needs room: its frame, half or whole, with what waits behind it. What is within its share
    /// needs none.
    private func neededRoom(_ slot: Int) -> Int {
        let held = splitters[slot].heldBytes
        let needed = max(held, splitters[slot].announcedBytes)
        return held == 0 || needed <= outboxes.share ? 0 : needed
    }

    func hasRoom(for slot: Int) -> Bool {
        let others = inputRoom - sessions[slot].room
        return others == 0 || others + neededRoom(slot) <= inputBound
    }

    func takeRoom(for slot: Int) { setRoom(neededRoom(slot), of: slot) }

    private func setRoom(_ room: Int, of slot: Int) {
        inputRoom += room - sessions[slot].room
        sessions[slot].room = room
    }

    /// Something has been read: the connection gets room for what it has begun, or waits for it.
    func keepRoom(for slot: Int) {
        let needed = neededRoom(slot)
        guard needed != sessions[slot].room else { return }
        let isHalf = splitters[slot].heldBytes < splitters[slot].announcedBytes
        // What is here already is here, whether there is room or not.
        let mustWait = isHalf && needed > sessions[slot].room && !sessions[slot].isBlocked
        guard mustWait, sessions[slot].phase == .serving, roomWaiters > 0 || !hasRoom(for: slot) else {
            return setRoom(needed, of: slot)
        }
        // Nobody waits for room while keeping some.
        setRoom(0, of: slot)
        if roomWaiters == 0 { crowdedSince = now }
        roomWaiters += 1
        _ = hold(slot, for: .room)
    }

    /// A connection waits for room no more.
    func leaveRoomQueue(_ slot: Int) {
        if sessions[slot].hold == .room { roomWaiters -= 1 }
        sessions[slot].hold = .none
    }

    /// What a connection has begun to write is thrown away. Not while its frames are being read.
    func dropInput(_ slot: Int) {
        inputHeld -= splitters[slot].heldBytes
        splitters[slot].reset()
        // There may be room for others, who are looked at in the next turn.
        if roomWaiters > 0, sessions[slot].room > 0 { isWorkAwaited = true }
        setRoom(0, of: slot)
    }

    /// Whether a frame has taken too long, and why.
    func lateFrame(_ slot: Int) -> String? {
        let deadline = sessions[slot].deadline
        if now >= deadline {
            return "a frame was begun and not finished within \(limits.frameTimeout / 1_000_000) ms"
        }
        let begun = max(crowdedSince, deadline > limits.frameTimeout ? deadline - limits.frameTimeout : 0)
        guard roomWaiters > 0, sessions[slot].room > 0, now >= begun + crowdedFrameTimeout else { return nil }
        return "a frame was begun and not finished within \(crowdedFrameTimeout / 1_000_000) ms, while others wait for "
            + "memory to begin theirs (--max-buffered)"
    }
}
