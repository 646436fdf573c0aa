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
    package func readLimit(_ connection: ConnectionID) -> Int {
        // Unread Replies make it short as well: what is read brings more of them, from thousands in one turn.
        guard max(inputHeld, inputRoom) >= inputBound / 2 || outboxes.isControlTight else { return .max }
        return max(Self.smallRead, sessions[connection].room - splitters[connection].heldBytes)
    }

    /// Bytes for which a connection needs room: its frame, half or whole, with what waits behind it. What is within its share
    /// needs none.
    private func neededRoom(_ connection: ConnectionID) -> Int {
        let held = splitters[connection].heldBytes
        let needed = max(held, splitters[connection].announcedBytes)
        return held == 0 || needed <= outboxes.share ? 0 : needed
    }

    func hasRoom(for connection: ConnectionID) -> Bool {
        let others = inputRoom - sessions[connection].room
        return others == 0 || others + neededRoom(connection) <= inputBound
    }

    func takeRoom(for connection: ConnectionID) { setRoom(neededRoom(connection), of: connection) }

    private func setRoom(_ room: Int, of connection: ConnectionID) {
        inputRoom += room - sessions[connection].room
        sessions[connection].room = room
    }

    /// Something has been read: the connection gets room for what it has begun, or waits for it.
    func keepRoom(for connection: ConnectionID) {
        let needed = neededRoom(connection)
        guard needed != sessions[connection].room else { return }
        let isHalf = splitters[connection].heldBytes < splitters[connection].announcedBytes
        // What is here already is here, whether there is room or not.
        let mustWait = isHalf && needed > sessions[connection].room && !sessions[connection].isBlocked
        guard mustWait, sessions[connection].phase == .serving, roomWaiters > 0 || !hasRoom(for: connection) else {
            return setRoom(needed, of: connection)
        }
        // Nobody waits for room while keeping some.
        setRoom(0, of: connection)
        if roomWaiters == 0 { crowdedSince = now }
        roomWaiters += 1
        _ = hold(connection, for: .room)
    }

    /// A connection waits for room no more.
    func leaveRoomQueue(_ connection: ConnectionID) {
        if sessions[connection].hold == .room { roomWaiters -= 1 }
        sessions[connection].hold = .none
    }

    /// What a connection has begun to write is thrown away. Not while its frames are being read.
    func dropInput(_ connection: ConnectionID) {
        inputHeld -= splitters[connection].heldBytes
        splitters[connection].reset()
        // There may be room for others, who are looked at in the next turn.
        if roomWaiters > 0, sessions[connection].room > 0 { isWorkAwaited = true }
        setRoom(0, of: connection)
    }

    /// Whether a frame has taken too long, and why.
    func lateFrame(_ connection: ConnectionID) -> String? {
        let deadline = sessions[connection].deadline
        if now >= deadline {
            return "a frame was not completed within \(limits.frameTimeout / 1_000_000) ms"
        }
        let begun = max(crowdedSince, deadline > limits.frameTimeout ? deadline - limits.frameTimeout : 0)
        guard roomWaiters > 0, sessions[connection].room > 0, now >= begun + crowdedFrameTimeout else { return nil }
        return "a frame was not completed within \(crowdedFrameTimeout / 1_000_000) ms, while other connections wait "
            + "for memory for theirs (--max-buffered)"
    }
}
