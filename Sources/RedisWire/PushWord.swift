internal import CHiredis
internal import RESP

/// The first element of the arrays that Redis sends to a connection with subscriptions.
enum PushWord {
    case message, patternMessage
    /// A message on a sharded channel.
    case shardMessage
    case confirmation(SubscribeVerb)

    /// nil for any other string. Redis writes the words in lower case.
    init?(_ bytes: UnsafeRawBufferPointer) {
        // Compares the length first: at most two of the words are equally long, and those differ in their first byte.
        switch bytes.count {
        case 7 where bytes.equals("message"): self = .message
        case 8 where bytes.equals("pmessage"): self = .patternMessage
        case 8 where bytes.equals("smessage"): self = .shardMessage
        case 9 where bytes.equals("subscribe"): self = .confirmation(.subscribe)
        case 10 where bytes.equals("psubscribe"): self = .confirmation(.psubscribe)
        case 10 where bytes.equals("ssubscribe"): self = .confirmation(.ssubscribe)
        case 11 where bytes.equals("unsubscribe"): self = .confirmation(.unsubscribe)
        case 12 where bytes.equals("punsubscribe"): self = .confirmation(.punsubscribe)
        case 12 where bytes.equals("sunsubscribe"): self = .confirmation(.sunsubscribe)
        default: return nil
        }
    }

    /// The length of the array, this word included.
    var elements: Int {
        switch self {
        case .message, .shardMessage, .confirmation: 3
        case .patternMessage: 4
        }
    }

    /// The word itself.
    var text: String {
        switch self {
        case .message: "message"
        case .shardMessage: "smessage"
        case .patternMessage: "pmessage"
        case .confirmation(let verb): verb.word
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Whether these bytes are `word`, which must have the same length.
    @inline(__always)
    fileprivate func equals(_ word: StaticString) -> Bool {
        guard let baseAddress else { return false }
        return memcmp(baseAddress, word.utf8Start, word.utf8CodeUnitCount) == 0
    }
}
