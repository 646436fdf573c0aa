extension Hub {
    /// Redis has sent a message on a channel.
    /// - Parameter channel: the channel as Redis knows it, with the prefix.
    /// - Returns: the number of the relay's own probe, if the message is one; otherwise nil.
    @inline(__always)
    package func deliver(
        channel redisChannel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer, by node: HubNode
    ) -> UInt64? {
        guard let channel = nameStart.rest(of: redisChannel) else { return nil }
        let index = subscriptions.find(channel, isPattern: false)
        guard index != ChannelTable.none else {
            return hasPrefix(channel, probeNamePrefix) ? decimal(payload) : nil
        }
        // Ignores a node that the name has left, and messages from before the node has confirmed the name (again).
        guard Int(subscriptions[index].node) == node.index, subscriptions[index].isAtRedis else { return nil }
        counters.messagesReceived += 1
        fanOut(to: index, channel: channel, payload: payload, pattern: nil)
        return nil
    }

    /// Redis has sent a message that matches a pattern.
    package func deliver(
        pattern redisPattern: UnsafeRawBufferPointer, channel redisChannel: UnsafeRawBufferPointer,
        payload: UnsafeRawBufferPointer
    ) {
        guard let channel = nameStart.rest(of: redisChannel), let pattern = patternStart.rest(of: redisPattern) else {
            return
        }
        let index = subscriptions.find(pattern, isPattern: true)
        guard index != ChannelTable.none, !isReservedName(channel), !isOfAnotherRelay(redisChannel) else { return }
        counters.messagesReceived += 1
        let faults = ChannelFaults(of: channel)
        guard faults.isEmpty else { return drop(index, cause: .badName, channelFaults: faults) }
        fanOut(to: index, channel: channel, payload: payload, pattern: pattern)
    }

    /// Whether a channel belongs to a relay with another prefix, if one of the two prefixes begins with the other: `*`
    /// matches such channels, too. What lies within our own prefix is not checked.
    private func isOfAnotherRelay(_ redisChannel: UnsafeRawBufferPointer) -> Bool {
        containsReservedName(redisChannel, from: max(0, nameStart.count - reservedNameCount + 1))
    }

    /// Encodes the message once, and adds a range of the result to the outbox of every member.
    @inline(__always)
    private func fanOut(
        to index: UInt32, channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer,
        pattern: UnsafeRawBufferPointer?
    ) {
        let count = Int(subscriptions[index].memberCount)
        guard count > 0 else { return heardByNoApp(index, payload) }
        let members = subscriptions.members(of: index)
        let size = Arena.messageSize(channel, payload, pattern)
        guard Arena.fits(size, within: identity.maxFrameBytes) else { return drop(index, cause: .tooLarge) }
        let frame = outboxes.arena.message(channel: channel, payload: payload, pattern: pattern, size: size)
        counters.messagesDelivered += outboxes.appendMessage(frame, to: members, count: count)
    }

    /// The message does not fit a frame: every member gets a Loss.
    private func drop(_ index: UInt32, cause: Cause, channelFaults: ChannelFaults = []) {
        let members = subscriptions.members(of: index)
        let count = Int(subscriptions[index].memberCount)
        for place in 0..<count {
            outboxes.addLoss(1, cause: cause, channelFaults: channelFaults, to: members[place].connection)
        }
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
