internal import RedisWire

/// What a server may send, by the kind of the link. This bounds the memory that a server can take. What can come at a
/// given moment is less; the links' sinks decide that.
extension ReplyLimits {
    /// The most elements of an answer to ROLE: that of a master has three, that of a replica five.
    static let roleElements = 8
    /// The most elements of an array inside another one: the replicas of a master, the services of a sentinel, the
    /// nodes of a cluster's slots. Usually there are a few; a thousand would be unusual.
    static let nestedElements = 16_384

    /// For links that get numbers, words, roles, and what a sentinel knows of a master.
    static var ofShortAnswers: ReplyLimits {
        var limits = ReplyLimits()
        (limits.maxReplyBytes, limits.maxElements) = (4 << 20, nestedElements)
        (limits.maxValues, limits.maxDepth) = (65_536, 3)
        return limits
    }

    /// For the link that asks a cluster which node has which slots: at most one range for each of the 16,384 slots.
    static var ofClusterSlots: ReplyLimits {
        var limits = ReplyLimits()
        (limits.maxElements, limits.maxDepth) = (nestedElements, 4)
        return limits
    }

    /// Why an array cannot be an answer in a greeting; nil if it can. Only the answer to ROLE is an array.
    static func objectionInGreeting(toArrayOf elements: Int, depth: Int) -> String? {
        depth > 0 || elements <= roleElements ? nil : "a reply to ROLE has three or five elements"
    }
}
