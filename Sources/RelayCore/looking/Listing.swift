/// A list that somebody asked for: of connections, or of channels and patterns.
///
/// One answer looks at so many places of the hub's table, from `after` on, puts these in order and has the first of them. So
/// its work is bounded however many connections or names there are. Who wants all of them asks again with `after` of `next`.
package struct Listing<Item> {
    /// How many there are in all.
    package var total: Int
    /// Places that were looked at, vacant ones included.
    package var lookedAt: Int
    /// Where the next answer is to begin; nil: this one has seen the last place.
    package var next: Int?
    package var items: [Item]

    /// What one listing looks at: more than the connections that a relay has by default.
    package static var mostPlaces: Int { 16_384 }

    /// The places that it looks at of those in use.
    static func places(after: Int, used: Int) -> Range<Int> {
        let start = min(after, used)
        return start..<min(used, start + mostPlaces)
    }
}

/// In which order clients are listed: what there is most of comes first; ids and names ascend.
package enum ClientOrder: String, Sendable, CaseIterable {
    case id, name, age, channels, published, delivered, unread, lost
}

/// In which order channels and patterns are listed: most subscribers first; names ascend.
package enum ChannelOrder: String, Sendable, CaseIterable {
    case name, subscribers
}

/// What is told of one app connection.
package struct ClientFacts: Sendable {
    package enum Stage: String, Sendable {
        /// It has not said Hello.
        case greeting
        case serving
        /// Its last frame is on its way.
        case closing
    }

    package var connection: ConnectionID
    /// Which connection it is: they are numbered from 1 on, as they come.
    package var number: UInt64
    /// What it calls itself; empty when it has not said.
    package var name: String
    package var stage: Stage
    /// Nanoseconds since it was accepted.
    package var age: UInt64
    /// Channels and patterns that it receives by.
    package var channels: Int
    /// Publishes that it has sent, whatever became of them.
    package var published: UInt64
    /// Messages that it was sent.
    package var delivered: UInt64
    package var publishedPerSecond: Double
    package var deliveredPerSecond: Double
    /// Bytes that wait for it to read them.
    package var unread: Int
    /// Messages that it did not get.
    package var lost: UInt64
    /// It is not read from, until Redis takes more, or its earlier requests are answered.
    package var isHeldBack: Bool
}

/// What is told of one channel or pattern.
package struct ChannelFacts: Sendable {
    /// Without the prefix.
    package var name: String
    package var isPattern: Bool
    /// Connections that receive by it.
    package var subscribers: Int
    /// Subscribe requests that name it and have not been answered.
    package var pending: Int
    /// Redis has it, on a link that counts as receiving.
    package var isInForce: Bool
    /// The node that it belongs to, as an index in `Hub.nodes`.
    package var node: Int
    /// The hash slot, where that decides about the node.
    package var slot: UInt16
}
