/// What a ``ReplyReader`` accepts before it gives a server up. The defaults are far above what Redis sends to us
/// and far below what would hurt: they bound the memory that a hostile server can take.
package struct ReplyLimits: Sendable {
    /// Bytes of one reply that has not ended yet, its framing included. Checked each time the reader has worked
    /// off a piece (4 KiB), so a smaller reply than a piece is never refused.
    package var maxReplyBytes = 64 << 20
    /// Bytes of a line that has not ended yet: a status, an error, a number, or the head of a string or an array.
    /// hiredis looks through an unfinished line again with every piece: unbounded, it would be quadratic work.
    package var maxLineBytes = 64 << 10
    /// Elements that one array may announce.
    package var maxElements = 65_536
    /// Values in all the arrays of one reply together, since nesting multiplies. The largest reply that means well is
    /// CLUSTER SLOTS where every one of the 16,384 slots is a range of its own: 45 values each with five replicas a
    /// master and a hostname for every node.
    package var maxValues = 1_048_576
    /// Arrays inside each other, the outermost counted. hiredis 0.14 itself allows one more, 1.x any number.
    package var maxDepth = 7

    package init() {}
}

/// Why a ``ReplyReader`` gave the connection up: the server does not speak RESP2, or not within the limits. The
/// connection is useless from then on, since nobody knows where the next reply begins.
package enum ReplyError: Error, Equatable, CustomStringConvertible {
    /// hiredis could not read it; its own words.
    case malformed(String)
    /// More than `limit` bytes (``ReplyLimits/maxReplyBytes``), announced or received.
    case replyTooLarge(limit: Int)
    /// More than `limit` bytes (``ReplyLimits/maxLineBytes``) without an end of line.
    case lineTooLong(limit: Int)
    /// More than `limit` elements in one array (``ReplyLimits/maxElements``), or values in one reply
    /// (``ReplyLimits/maxValues``).
    case tooManyElements(limit: Int)
    /// Arrays inside each other, more than `limit` (``ReplyLimits/maxDepth``).
    case tooDeep(limit: Int)
    /// A reply of a kind that cannot come now: what it is, and why not (``ReplySink/objection(toArrayOf:depth:)``).
    case outOfPlace(String)
    /// An array that begins like a message or a confirmation, and then is none; the text says which and what is
    /// wrong with it.
    case unexpectedPush(String)

    package var description: String {
        switch self {
        case .malformed(let text): "malformed reply: \(text)"
        case .replyTooLarge(let limit): "a reply of more than \(limit) bytes"
        case .lineTooLong(let limit): "a reply with a line of more than \(limit) bytes"
        case .tooManyElements(let limit): "a reply of more than \(limit) elements"
        case .tooDeep(let limit): "a reply with arrays nested more than \(limit) deep"
        case .outOfPlace(let text): text
        case .unexpectedPush(let text): "unexpected push: \(text)"
        }
    }
}
