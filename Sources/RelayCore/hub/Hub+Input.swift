/// Bounds the memory for frames that apps have begun to write, and for frames that have to wait, over all connections.
///
/// A large frame is read further only if there is room for all of it. If there is none, its connection is not read
/// from, and its deadline is suspended, until others have finished their frames. As soon as a connection waits for
/// room, these others have one second to finish. So half frames cannot fill the memory. An app that begins many large
/// frames and finishes none delays other large frames, by one second for each time that it fills the bound. Small
/// frames never wait for room.
extension Hub {
    /// Bytes of frames, begun or waiting, for which there is room over all connections; the same as for unread output.
    private var inputBound: Int { max(outboxes.bounds.maxBuffered, 4 + identity.maxFrameBytes) }

    /// Time to finish a frame while others wait for room, in nanoseconds.
    private var crowdedFrameTimeout: UInt64 { min(1_000_000_000, limits.frameTimeout) }

    /// How much one read takes from a connection while room is short: even the beginnings of frames must not fill it.
    private static let smallRead = 4 << 10

    /// How many bytes may be read from a connection at once.
    @inline(__always)
    package func readLimit(_ connection: ConnectionID) -> Int {
        // Unread Replies make it short as well: reading causes more of them, from thousands of connections a turn.
        guard max(inputHeld, inputRoom) >= inputBound / 2 || outboxes.isControlTight else { return .max }
        return max(Self.smallRead, sessions[connection].room - splitters[connection].heldBytes)
    }

    /// Bytes for which a connection needs room: its frame, half or whole, and what waits behind it; 0 within its share.
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

    /// Something has been read: the connection gets room for the frame that it has begun, or waits for room.
    func keepRoom(for connection: ConnectionID) {
        let needed = neededRoom(connection)
        guard needed != sessions[connection].room else { return }
        let isHalf = splitters[connection].heldBytes < splitters[connection].announcedBytes
        // What has been read already takes memory, whether there is room for it or not.
        let mustWait = isHalf && needed > sessions[connection].room && !sessions[connection].isBlocked
        guard mustWait, sessions[connection].phase == .serving, roomWaiters > 0 || !hasRoom(for: connection) else {
            return setRoom(needed, of: connection)
        }
        // A connection that waits for room keeps none.
        setRoom(0, of: connection)
        if roomWaiters == 0 { crowdedSince = now }
        roomWaiters += 1
        _ = hold(connection, for: .room)
    }

    /// A connection no longer waits for room.
    func leaveRoomQueue(_ connection: ConnectionID) {
        if sessions[connection].hold == .room { roomWaiters -= 1 }
        sessions[connection].hold = .none
    }

    /// Discards what a connection has begun to write. Must not be called while its frames are being read.
    func dropInput(_ connection: ConnectionID) {
        inputHeld -= splitters[connection].heldBytes
        splitters[connection].reset()
        // There may be room for others now; they are checked in the next turn.
        if roomWaiters > 0, sessions[connection].room > 0 { isWorkAwaited = true }
        setRoom(0, of: connection)
    }

    /// The reason, if a frame has taken too long; otherwise nil.
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
