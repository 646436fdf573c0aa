internal import RedisWire

/// What a server may say, by the kind of the link. That bounds the memory that it can take; what can come at a given moment
/// is less, and said by the links' sinks.
extension ReplyLimits {
    /// Elements of an answer to ROLE: what a master says has three, what a replica says five.
    static let roleElements = 8
    /// Elements of an array inside of another one: the replicas of a master, the services of a sentinel, the nodes of a
    /// cluster's slots. There are a few; a thousand would be news.
    static let nestedElements = 16_384

    /// Of links that are answered with numbers, words, roles, and what a sentinel knows of a master.
    static var ofShortAnswers: ReplyLimits {
        var limits = ReplyLimits()
        (limits.maxReplyBytes, limits.maxElements) = (4 << 20, nestedElements)
        (limits.maxValues, limits.maxDepth) = (65_536, 3)
        return limits
    }

    /// Of the link that asks a cluster who has which slots: at most one range for each of the 16,384 slots.
    static var ofClusterSlots: ReplyLimits {
        var limits = ReplyLimits()
        (limits.maxElements, limits.maxDepth) = (nestedElements, 4)
        return limits
    }

    /// Why an array cannot come as an answer in a greeting, or nil when it can: ROLE alone is answered with one.
    static func objectionInGreeting(toArrayOf elements: Int, depth: Int) -> String? {
        depth > 0 || elements <= roleElements ? nil : "a reply to ROLE has three or five"
    }
}
