/// The limits beyond which a ``ReplyReader`` gives a server up. The defaults are far above what Redis sends to us and
/// far below what would do harm: they bound the memory that a hostile server can take.
package struct ReplyLimits: Sendable {
    /// Bytes of one reply that is not complete, its framing included. Checked each time the reader has processed a
    /// piece (4 KiB), so a reply that is smaller than a piece is never refused.
    package var maxReplyBytes = 64 << 20
    /// Bytes of a line that is not complete: a status, an error, a number, or the head of a string or an array. hiredis
    /// scans an unfinished line again with every piece, which would be quadratic work without a limit.
    package var maxLineBytes = 64 << 10
    /// Elements that one array may announce.
    package var maxElements = 65_536
    /// Values in all the arrays of one reply together, since nesting multiplies. The largest legitimate reply is
    /// CLUSTER SLOTS in which every one of the 16,384 slots is a range of its own: 45 values each, with five replicas
    /// for each master and a hostname for every node.
    package var maxValues = 1_048_576
    /// How deep arrays may be nested, the outermost counted. hiredis 0.14 itself allows one more, 1.x any number.
    package var maxDepth = 7

    package init() {}
}

/// Why a ``ReplyReader`` gave the connection up: the server does not speak RESP2, or exceeds the limits. The connection
/// cannot be used from then on, since nobody knows where the next reply begins.
package enum ReplyError: Error, Equatable, CustomStringConvertible {
    /// hiredis could not read it. The text is hiredis's own.
    case malformed(String)
    /// More than `limit` bytes (``ReplyLimits/maxReplyBytes``), announced or received.
    case replyTooLarge(limit: Int)
    /// More than `limit` bytes (``ReplyLimits/maxLineBytes``) without an end of line.
    case lineTooLong(limit: Int)
    /// More than `limit` elements in one array (``ReplyLimits/maxElements``), or values in one reply
    /// (``ReplyLimits/maxValues``).
    case tooManyElements(limit: Int)
    /// Arrays nested deeper than `limit` (``ReplyLimits/maxDepth``).
    case tooDeep(limit: Int)
    /// A reply of a kind that cannot come now: what it is, and why not (``ReplySink/objection(toArrayOf:depth:)``).
    case outOfPlace(String)
    /// An array that begins like a message or a confirmation, and then is not one. The text says which, and what is
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
