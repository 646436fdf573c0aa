/// What is reported about channels and patterns.
extension Hub {
    /// The parameters are those of `clients`.
    package func channels(by order: ChannelOrder, limit: Int, after: Int = 0) -> Listing<ChannelFacts> {
        let places = Listing<ChannelFacts>.places(after: after, used: subscriptions.placesUsed)
        var leading = Leading<UInt32>(limit: limit) { self.precedes($0, $1, by: order) }
        for place in places {
            let index = UInt32(place)
            if subscriptions[index].isWanted, index != subscriptions.ownName { leading.offer(index) }
        }
        return Listing(
            total: nameCount, lookedAt: places.count,
            next: places.upperBound < subscriptions.placesUsed ? places.upperBound : nil,
            items: leading.inOrder.map(channelFacts))
    }

    private func channelFacts(_ index: UInt32) -> ChannelFacts {
        let entry = subscriptions[index]
        return ChannelFacts(
            name: String(decoding: subscriptions.name(of: index), as: UTF8.self), isPattern: entry.isPattern,
            subscribers: Int(entry.memberCount), pending: Int(entry.pendingCount),
            isInForce: subscriptions.isInForce(index), node: Int(entry.node), slot: entry.slot)
    }

    /// Equal ones are in the order of their names; a channel comes before the pattern of the same name.
    private func precedes(_ one: UInt32, _ other: UInt32, by order: ChannelOrder) -> Bool {
        let (first, second) = (subscriptions[one].memberCount, subscriptions[other].memberCount)
        if order == .subscribers, first != second { return first > second }
        let (name, otherName) = (subscriptions.name(of: one), subscriptions.name(of: other))
        if name.hasSameBytes(as: otherName) { return !subscriptions[one].isPattern && subscriptions[other].isPattern }
        return name.lexicographicallyPrecedes(otherName)
    }
}
