/// What the relay knows of one app connection; its socket is the I/O layer's.
struct Session: ~Copyable {
    enum Phase {
        case vacant
        /// Nothing but a Hello is accepted.
        case awaitingHello
        case serving
        /// The app has shut its writing side: owed replies are sent, then the connection ends.
        case ending
        /// An Error is on its way; what comes is discarded.
        case failing
    }

    /// What a connection waits for that is not read from.
    enum Hold {
        case none
        /// The work of this turn is done; the next turn goes on.
        case work
        /// All its publishes are to be answered first (Ping with `settled`).
        case answers
        /// Half frames of all connections take too much memory.
        case room
    }

    var phase = Phase.vacant
    /// Counts those that have had this `ConnectionID`, so that a late reply of Redis finds that its asker is gone.
    var generation: UInt32 = 0
    /// Has published: it is the kind that is not read from while Redis cannot take more.
    var isPublisher = false
    /// The node that held up its last publish, as an index in `Hub.nodes`; `nowhere` holds nobody up.
    var congestedNode = Hub.nowhere
    /// In the list of connections that wait to go on.
    var isBlocked = false
    /// In the list of connections that are owed a Loss for publishes.
    var hasPublishLoss = false
    /// Publishes that Redis has not answered, those without an id included: a Loss may come of them.
    var owedAnswers = 0
    /// Publishes that it has sent, whatever became of them.
    var published: UInt64 = 0
    /// Which connection it is: they are numbered from 1 on, as they come.
    var number: UInt64 = 0
    /// When it was opened, monotonic nanoseconds.
    var openedAt: UInt64 = 0
    /// Its traffic, as of when somebody last looked.
    var pace = ClientPace()
    /// What the app calls itself, for people.
    var clientName = ""
    /// When the frame (or the Hello) that is incomplete must be whole; 0: none is due.
    var deadline: UInt64 = 0
    var held = NameList()
    var pending = PendingRequests()
    var publishLosses: PublishLosses?
    /// Why it is not read from, beside congestion and too many unanswered requests.
    var hold = Hold.none
    /// The request that is being carried out, when it takes more than one turn.
    var suspended: SuspendedRequest?
    /// Bytes that are set aside for the frame that it has begun; see `Hub+Input`.
    var room = 0
    /// Its names are being given up, over several turns.
    var isReleasing = false
    /// Its socket is closed; the next one may have its `ConnectionID` once its names have been given up.
    var isClosed = false

    init() {}
}

/// The names a connection receives by, as indices into the channel table. A member knows its position here, so a
/// name is taken out without a search.
struct NameList: ~Copyable {
    /// As many as `capacity` says, the first `count` of them initialized; never nil while there is one.
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

    /// - Returns: the name that has moved to `position`, or nil when none had to.
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
