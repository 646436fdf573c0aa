extension Hub {
    /// Redis has sent a message on a channel.
    /// - Parameter channel: as Redis knows it, with the prefix.
    /// - Returns: the number of the relay's own probe, when this was it.
    @inline(__always)
    package func deliver(
        channel redisChannel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer, by node: HubNode
    ) -> UInt64? {
        guard redisChannel.count >= prefix.count else { return nil }
        let channel = UnsafeRawBufferPointer(rebasing: redisChannel[prefix.count...])
        let index = table.find(channel, isPattern: false)
        guard index != ChannelTable.none else {
            return hasPrefix(channel, probeNamePrefix) ? decimal(payload) : nil
        }
        // A node that has not yet heard that it lost the slot; or one that has it again, and this is from before.
        guard Int(table.entries[Int(index)].node) == node.index, table.entries[Int(index)].isAtRedis else { return nil }
        counters.messagesReceived += 1
        fanOut(to: index, channel: channel, payload: payload, pattern: nil)
        return nil
    }

    /// Redis has sent a message that matches a pattern.
    package func deliver(
        pattern redisPattern: UnsafeRawBufferPointer, channel redisChannel: UnsafeRawBufferPointer,
        payload: UnsafeRawBufferPointer
    ) {
        guard redisChannel.count >= prefix.count, redisPattern.count >= patternPrefix.count else { return }
        let channel = UnsafeRawBufferPointer(rebasing: redisChannel[prefix.count...])
        let pattern = UnsafeRawBufferPointer(rebasing: redisPattern[patternPrefix.count...])
        let index = table.find(pattern, isPattern: true)
        guard index != ChannelTable.none, !isReservedName(channel) else { return }
        counters.messagesReceived += 1
        guard !channel.isEmpty, channel.count <= maxNameBytes, isValidUTF8(channel) else {
            return drop(index, cause: .badName)
        }
        fanOut(to: index, channel: channel, payload: payload, pattern: pattern)
    }

    /// One encoding, and a range of it for every member.
    @inline(__always)
    private func fanOut(
        to index: UInt32, channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer,
        pattern: UnsafeRawBufferPointer?
    ) {
        let entry = table.entries + Int(index)
        let count = Int(entry.pointee.memberCount)
        guard count > 0 else { return }
        let members = table.members(of: index)
        let size = Arena.messageSize(channel, payload, pattern)
        guard Arena.fits(size, within: identity.maxFrameBytes) else { return drop(index, cause: .tooLarge) }
        let frame = outboxes.arena.message(channel: channel, payload: payload, pattern: pattern, size: size)
        counters.messagesDelivered += outboxes.appendMessage(frame, to: members, count: count)
    }

    /// The message fits no frame: every member is told.
    private func drop(_ index: UInt32, cause: Cause) {
        let members = table.members(of: index)
        let count = Int(table.entries[Int(index)].memberCount)
        for place in 0..<count { outboxes.addLoss(1, cause: cause, to: Int(members[place].slot)) }
    }

    private func decimal(_ bytes: UnsafeRawBufferPointer) -> UInt64? {
        var value: UInt64 = 0
        guard !bytes.isEmpty, bytes.count < 20 else { return nil }
        for byte in bytes {
            guard 48...57 ~= byte else { return nil }
            value = value &* 10 &+ UInt64(byte - 48)
        }
        return value
    }
}
