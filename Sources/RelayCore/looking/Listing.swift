/// A list that somebody asked for: of connections, or of channels and patterns.
///
/// One answer examines at most `mostPlaces` places of the hub's table, from `after` on, sorts them, and has the first
/// of them. So its work is bounded, however many connections or names there are. To get all of them, ask again with
/// `next` as `after`.
package struct Listing<Item> {
    /// How many there are in all.
    package var total: Int
    /// How many places were examined, including vacant ones.
    package var lookedAt: Int
    /// Where the next answer is to begin; nil if this one has reached the last place.
    package var next: Int?
    package var items: [Item]

    /// How many places one listing examines: more than the connections that a relay may have by default.
    package static var mostPlaces: Int { 16_384 }

    /// The places that a listing examines, of those in use.
    static func places(after: Int, used: Int) -> Range<Int> {
        let start = min(after, used)
        return start..<min(used, start + mostPlaces)
    }
}

/// The order of clients: the largest values come first, ids and names ascend.
package enum ClientOrder: String, Sendable, CaseIterable {
    case id, name, age, channels, published, delivered, unread, lost
}

/// The order of channels and patterns: most subscribers come first, names ascend.
package enum ChannelOrder: String, Sendable, CaseIterable {
    case name, subscribers
}

/// What is reported about one app connection.
package struct ClientFacts: Sendable {
    package enum Stage: String, Sendable {
        /// It has not said Hello.
        case greeting
        case serving
        /// Its last frame is on its way.
        case closing
    }

    package var connection: ConnectionID
    /// The number of the connection: connections are numbered from 1, as they come.
    package var number: UInt64
    /// The name that it has given itself; empty if it has given none.
    package var name: String
    package var stage: Stage
    /// Nanoseconds since it was accepted.
    package var age: UInt64
    /// Channels and patterns that it receives by.
    package var channels: Int
    /// Publishes that it has sent, whatever their outcome.
    package var published: UInt64
    /// Messages that were sent to it.
    package var delivered: UInt64
    package var publishedPerSecond: Double
    package var deliveredPerSecond: Double
    /// Bytes that wait for it to read them.
    package var unread: Int
    /// Messages that it did not get.
    package var lost: UInt64
    /// Whether it waits and is not read from, for example until Redis takes more, or its earlier requests are answered.
    package var isHeldBack: Bool
}

/// What is reported about one channel or pattern.
package struct ChannelFacts: Sendable {
    /// Without the prefix.
    package var name: String
    package var isPattern: Bool
    /// Connections that receive by it.
    package var subscribers: Int
    /// Subscribe requests that name it and have not been answered.
    package var pending: Int
    /// Whether Redis has it, on a link that counts as receiving.
    package var isInForce: Bool
    /// The node that it belongs to, as an index in `Hub.nodes`.
    package var node: Int
    /// The hash slot, if that determines the node.
    package var slot: UInt16
}
