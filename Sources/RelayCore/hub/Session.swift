/// What the relay knows about one app connection. The socket belongs to the I/O layer.
struct Session: ~Copyable {
    enum Phase {
        case vacant
        /// Only a Hello is accepted.
        case awaitingHello
        case serving
        /// The app has shut down its write side: owed replies are sent, then the connection ends.
        case ending
        /// An Error is on its way; all input is discarded.
        case failing
    }

    /// What a connection waits for while it is not read from.
    enum Hold {
        case none
        /// The next turn, since the work of this turn is used up.
        case work
        /// Answers to all its publishes (Ping with `settled`).
        case answers
        /// Memory, since half frames of all connections take too much of it.
        case room
    }

    var phase = Phase.vacant
    /// Counts the connections that have had this `ConnectionID`, to recognize a late reply of Redis for an earlier one.
    var generation: UInt32 = 0
    /// Whether it has published. Only such connections are not read from while Redis cannot take more.
    var isPublisher = false
    /// The node that held up its last publish, as an index in `Hub.nodes`; `nowhere` never holds a connection up.
    var congestedNode = Hub.nowhere
    /// Whether it is in the list of connections that wait to go on.
    var isBlocked = false
    /// Whether it is in the list of connections that are owed a Loss for publishes.
    var hasPublishLoss = false
    /// Publishes that Redis has not answered, including those without an id: they may cause a Loss.
    var owedAnswers = 0
    /// Publishes that it has sent, whatever their outcome.
    var published: UInt64 = 0
    /// The number of the connection: connections are numbered from 1, as they come.
    var number: UInt64 = 0
    /// When it was opened, monotonic nanoseconds.
    var openedAt: UInt64 = 0
    /// Its traffic, as of the last time that somebody asked for it.
    var pace = ClientPace()
    /// What the app calls itself, for people.
    var clientName = ""
    /// The deadline of the frame (or the Hello) that is incomplete; 0 if none is.
    var deadline: UInt64 = 0
    var held = NameList()
    var pending = PendingRequests()
    var publishLosses: PublishLosses?
    /// Why it is not read from, if not for congestion or too many unanswered requests.
    var hold = Hold.none
    /// The request that is being carried out, if it takes more than one turn.
    var suspended: SuspendedRequest?
    /// Bytes that are set aside for the frame that it has begun; see `Hub+Input`.
    var room = 0
    /// Whether its names are being given up, over several turns.
    var isReleasing = false
    /// Whether its socket is closed. A new connection may get its `ConnectionID` once its names have been given up.
    var isClosed = false

    init() {}
}

/// The names that a connection receives by, as indices into the channel table. A member knows its position here, so a
/// name is removed without a search.
struct NameList: ~Copyable {
    /// Has `capacity` places, of which the first `count` are initialized; never nil while `capacity` is over 0.
    private var base: UnsafeMutablePointer<UInt32>?
    private(set) var count = 0
    private var capacity = 0

    init() {}

    deinit { base?.deallocate() }

    var last: UInt32? { count == 0 ? nil : base.unsafelyUnwrapped[count - 1] }

    /// - Returns: the position of the new name.
    mutating func append(_ index: UInt32) -> UInt32 {
        if count == capacity {
            let grown = UnsafeMutablePointer<UInt32>.allocate(capacity: max(2, capacity * 2))
            if let base {
                grown.update(from: base, count: count)
                base.deallocate()
            }
            (base, capacity) = (grown, max(2, capacity * 2))
        }
        base.unsafelyUnwrapped[count] = index
        count += 1
        return UInt32(count - 1)
    }

    /// - Returns: the name that has moved to `position`; nil if none had to move.
    mutating func remove(at position: UInt32) -> UInt32? {
        count -= 1
        guard Int(position) != count else {
            if count == 0 { release() }
            return nil
        }
        let moved = base.unsafelyUnwrapped[count]
        base.unsafelyUnwrapped[Int(position)] = moved
        return moved
    }

    private mutating func release() {
        base?.deallocate()
        (base, capacity) = (nil, 0)
    }
}
