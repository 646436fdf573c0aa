/// A Subscribe or Unsubscribe that has not been answered yet.
final class NameOperation {
    enum Kind {
        case subscribe, unsubscribe
        /// The request is not carried out; only its Reply has to wait for its turn.
        case answer(Outcome, detail: String)
    }

    let kind: Kind
    let id: UInt64
    let connection: ConnectionID
    /// The names, each once.
    var names: [UInt32] = []
    /// Of a Subscribe: how many names were new to the connection, for the limits.
    var newNames = 0
    /// What it waits for: names without an answer, the connection's request before it, the end of a restore.
    var waiting = 0
    /// Names that Redis has refused, and its words.
    var refused: [UInt32] = []
    var refusal = ""
    /// The connection's next request, which is answered after this one.
    var successor: NameOperation?
    /// Among the connection's unanswered requests.
    var isEnqueued = false
    /// Answered, or its connection is gone.
    var isDone = false

    var isSubscribe: Bool { if case .subscribe = kind { true } else { false } }

    init(kind: Kind, id: UInt64, connection: ConnectionID) {
        (self.kind, self.id, self.connection) = (kind, id, connection)
    }
}

/// The unanswered requests of one connection, oldest first; the next one queues behind the last.
struct PendingRequests {
    /// The oldest; the others are its successors.
    var first: NameOperation?
    var last: NameOperation?
    var count = 0
    /// Names in them, to bound the memory that a flood of requests can take.
    var names = 0
    /// Names in them that are new to the connection, for the limits.
    var newNames = 0
    /// Those among them that are no Subscribe. They may name channels of which the table knows nothing, so what can be
    /// answered at once queues behind them, whatever it names.
    var others = 0

    static let maxCount = 1024
    private static let maxNames = 1 << 18
    /// Of all connections together. Beyond it a connection may have `crowdedCount` only.
    static let maxTotal = 1 << 18
    static let crowdedCount = 16

    /// The connection is not read from until some are answered.
    /// - Parameter limit: how many it may have.
    @inline(__always)
    func isFull(limit: Int) -> Bool { count >= limit || names >= Self.maxNames }
}
