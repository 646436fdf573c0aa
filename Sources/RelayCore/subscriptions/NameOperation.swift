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
    /// For a Subscribe: how many names were new to the connection, for the limits.
    var newNames = 0
    /// How many things it waits for: names without an answer, the connection's request before it, the end of a restore.
    var waiting = 0
    /// Names that Redis has refused, and the text of its error.
    var refused: [UInt32] = []
    var refusal = ""
    /// The connection's next request, which is answered after this one.
    var successor: NameOperation?
    /// Whether it is among the connection's unanswered requests.
    var isEnqueued = false
    /// Whether it is answered, or its connection has ended.
    var isDone = false

    var isSubscribe: Bool { if case .subscribe = kind { true } else { false } }

    init(kind: Kind, id: UInt64, connection: ConnectionID) {
        (self.kind, self.id, self.connection) = (kind, id, connection)
    }
}

/// The unanswered requests of one connection, oldest first.
struct PendingRequests {
    /// The oldest request; the others are its successors.
    var first: NameOperation?
    var last: NameOperation?
    var count = 0
    /// How many names they have, to bound the memory that a flood of requests can take.
    var names = 0
    /// How many of these names are new to the connection, for the limits.
    var newNames = 0
    /// How many of them are not a Subscribe. These may name channels that the table does not know. So a request that
    /// could be answered at once queues behind them, whatever it names.
    var others = 0

    static let maxCount = 1024
    private static let maxNames = 1 << 18
    /// The limit for all connections together. Beyond it a connection may have only `crowdedCount`.
    static let maxTotal = 1 << 18
    static let crowdedCount = 16

    /// Whether the connection is not read from until some requests are answered.
    /// - Parameter limit: how many requests it may have.
    @inline(__always)
    func isFull(limit: Int) -> Bool { count >= limit || names >= Self.maxNames }
}
