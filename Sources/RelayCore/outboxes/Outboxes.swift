/// The output of all connections in one loop turn, and the rules for those that read too slowly.
///
/// An outbox holds ranges of the arena and owns no bytes. Once a turn they go to the kernel. What the kernel does not
/// take is copied by the I/O layer, which reports the size of that backlog. Unread output of one connection:
///
///     | backlog: refused by the kernel so far | pending: ranges of this turn | lost: a count, not yet a frame |
///
/// A Message that would make backlog + pending larger than the window is dropped and counted in `lost`. The count
/// becomes a Loss frame when the next frame is added, or when everything before it has been written. So the Loss is
/// where the messages would have been, and counts with nothing between them merge.
package final class Outboxes {
    /// One cache line. Fan-out to many readers is limited by how many lines it touches; mostly this is the only one.
    struct Outbox {
        /// The last range, which grows while the next frame follows it in memory; its count is 0 if there is none. It
        /// points into the arena, as the ranges before it do. Invariant: a box that has a range is in the list of those
        /// to be written, and the arena is reset only after that list has been processed.
        var last = OutputRange.none
        /// The ranges before it; never nil while `rangeCapacity` is over 0.
        var ranges: UnsafeMutablePointer<OutputRange>?
        var rangeCount: Int32 = 0
        var rangeCapacity: Int32 = 0
        var pending = PendingOutput()
        var backlog = 0
        var lost: UInt64 = 0
        var lostCause = Cause.slowReader
        var isDirty = false
        /// Whether nothing more is taken: the connection has failed or is about to close.
        var isSealed = false
        var hasOverflowed = false
        /// Bytes of frames that are never dropped, counted since everything was last written. At most so many of the
        /// unread bytes belong to such frames. They are part of `controlBuffered` while there is a backlog.
        var control: UInt32 = 0

        var unread: Int { backlog + pending.bytes }
    }

    package struct Bounds: Sendable {
        /// Unread bytes of one connection beyond which Messages are dropped.
        package var window: Int
        /// The same for all connections together. Beyond it each connection may still have its share, and one frame.
        /// Frames that are never dropped have a separate bound of the same size, beyond which connections are closed.
        /// What closed connections may still read has such a bound, too, beyond which it is discarded.
        package var maxBuffered: Int
        /// Unread bytes of one connection beyond which it is closed, whatever they are.
        package var hardBound: Int
        package init(window: Int, maxBuffered: Int, hardBound: Int) {
            (self.window, self.maxBuffered, self.hardBound) = (window, maxBuffered, hardBound)
        }
    }

    package var arena = Arena()
    package let bounds: Bounds
    /// Bytes, over all connections, that the kernel has not taken, or cannot take yet since others are before them.
    package private(set) var buffered = 0
    /// Bytes of this turn, over all connections, that the kernel may still take at once, since nothing is before them.
    private var gathered = 0
    /// Unread bytes of frames that are never dropped, over all connections, as an upper bound.
    private var controlBuffered = 0
    /// Bytes in the backlogs of sealed outboxes.
    private var sealedBacklogs = 0
    /// What a connection may have unread however much others have, and one frame of any size (PROTOCOL.md, rule 8).
    private(set) var share = Outboxes.largestShare
    private static let largestShare = 64 << 10
    private var openCount = 0
    /// Hands ranges to the kernel and returns the new backlog: bytes that the kernel has not taken, copied by then. Set
    /// by the I/O layer before the first frame.
    package var send: Send = { _, _ in 0 }
    package typealias Send = (_ connection: ConnectionID, _ ranges: UnsafeMutableBufferPointer<OutputRange>) -> Int

    /// Invariant: a connection is opened before any other use, and there are at most as many as the capacity.
    private let boxes: ConnectionSlab<Outbox>
    /// What has happened to each connection's Messages; not in the boxes, which are one cache line each.
    private let tallies: ConnectionSlab<OutboxTally>
    /// Boxes that are initialized, since they are or have been open.
    private var openedCount = 0
    private var dirty: UnsafeMutablePointer<ConnectionID>
    private var draining: UnsafeMutablePointer<ConnectionID>
    /// How many connections are in the list of those to be written, each once.
    private(set) var dirtyCount = 0
    private var overflowed: [ConnectionID] = []
    /// Connections that have lost a message as slow readers for the first time; see `takeNewSlowReaders`.
    private var newSlowReaders: [ConnectionID] = []
    /// The faults of messages lost by `badName`; not in the boxes, which are one cache line each.
    private var lostChannelFaults: [ConnectionID: ChannelFaults] = [:]
    private let counters: Counters

    init(capacity: Int, bounds: Bounds, counters: Counters) {
        assert(MemoryLayout<Outbox>.stride == 64)
        boxes = ConnectionSlab(capacity: capacity, alignment: 64)
        tallies = ConnectionSlab(capacity: capacity)
        dirty = .allocate(capacity: capacity)
        draining = .allocate(capacity: capacity)
        self.bounds = bounds
        self.counters = counters
    }

    deinit {
        boxes.deallocate()
        tallies.deallocate()
        dirty.deallocate()
        draining.deallocate()
    }

    /// A new connection. Its place is the lowest that has never been used, or that of a connection that has closed.
    func open(_ connection: ConnectionID) {
        // The place may still be in the list of those to be written, and must not be in it twice.
        let isDirty = connection.index < openedCount && boxes[connection].isDirty
        boxes.pointer(to: connection).initialize(to: Outbox(isDirty: isDirty))
        tallies.pointer(to: connection).initialize(to: OutboxTally())
        openedCount = max(openedCount, connection.index + 1)
        openCount += 1
        updateShare()
    }

    private func updateShare() { share = min(Self.largestShare, bounds.maxBuffered / (2 * max(1, openCount))) }

    func close(_ connection: ConnectionID) {
        seal(connection)
        openCount -= 1
        updateShare()
        forgetPending(connection)
        buffered -= boxes[connection].backlog
        sealedBacklogs -= boxes[connection].backlog
        boxes[connection].ranges?.deallocate()
        let wasDirty = boxes[connection].isDirty
        boxes[connection] = Outbox(isDirty: wasDirty, isSealed: true)
    }

    /// From here on the outbox takes nothing more; what is in it is still written.
    func seal(_ connection: ConnectionID) {
        guard !boxes[connection].isSealed else { return }
        boxes[connection].isSealed = true
        setControl(0, of: connection)
        sealedBacklogs += boxes[connection].backlog
    }

    func isSealed(_ connection: ConnectionID) -> Bool { boxes[connection].isSealed }

    /// Discards everything that the kernel does not have yet, and takes nothing more: the peer is gone.
    package func discard(_ connection: ConnectionID) {
        seal(connection)
        boxes[connection].rangeCount = 0
        boxes[connection].last = .none
        forgetPending(connection)
        boxes[connection].lost = 0
    }

    /// Unread bytes: what the kernel refused, and what this turn has added.
    func unread(_ connection: ConnectionID) -> Int { boxes[connection].unread }

    /// What has happened to a connection's Messages so far, without what this turn has gathered.
    func tally(_ connection: ConnectionID) -> OutboxTally { tallies[connection] }

    // MARK: Adding frames

    /// Adds a frame that is never dropped. If the connection is past the hard bound then, `takeOverflowed()` lists it.
    @inline(__always)
    func appendControl(_ range: OutputRange, to connection: ConnectionID) {
        guard !boxes[connection].isSealed else { return }
        if boxes[connection].lost > 0 { appendLoss(connection) }
        let box = boxes.pointer(to: connection)
        box.pointee.pending.add(bytes: range.count)
        box.pointee.control &+= UInt32(truncatingIfNeeded: range.count)
        if box.pointee.backlog > 0 { countUnread(range.count) } else { gathered += range.count }
        extend(connection, by: range)
        if box.pointee.unread > bounds.hardBound { checkHardBound(connection) }
    }

    @inline(never)
    private func countUnread(_ control: Int) {
        buffered += control
        controlBuffered += control
    }

    /// - Parameter control: not more than before.
    private func setControl(_ control: Int, of connection: ConnectionID) {
        if boxes[connection].backlog > 0 { controlBuffered -= Int(boxes[connection].control) - control }
        boxes[connection].control = UInt32(truncatingIfNeeded: control)
    }

    /// Adds a Message for each member, or counts it as lost for those that read too slowly.
    /// - Returns: to how many members it was added.
    @inline(__always)
    func appendMessage(
        _ range: OutputRange, to members: UnsafePointer<ChannelTable.Member>, count: Int
    ) -> UInt64 {
        // Unless a connection has a backlog, or very much has been gathered, each outbox only needs to check itself.
        guard buffered == 0, gathered + count * range.count <= bounds.maxBuffered else {
            return appendMessageWithCare(range, to: members, places: 0..<count)
        }
        let (message, most) = (PendingOutput(messageBytes: range.count), PendingOutput(atMost: bounds.window))
        for place in 0..<count {
            let connection = members[place].connection
            let box = boxes.pointer(to: connection)
            let pending = box.pointee.pending + message
            guard pending <= most, box.pointee.lost == 0, !box.pointee.isSealed else {
                gathered += place * range.count
                return UInt64(place) + appendMessageWithCare(range, to: members, places: place..<count)
            }
            box.pointee.pending = pending
            extend(connection, by: range)
        }
        gathered += count * range.count
        return UInt64(count)
    }

    private func appendMessageWithCare(
        _ range: OutputRange, to members: UnsafePointer<ChannelTable.Member>, places: Range<Int>
    ) -> UInt64 {
        var added: UInt64 = 0
        for place in places where appendMessage(range, to: members[place].connection) { added += 1 }
        return added
    }

    /// - Returns: whether it was added.
    private func appendMessage(_ range: OutputRange, to connection: ConnectionID) -> Bool {
        guard admit(range.count, to: connection) else { return false }
        boxes[connection].pending.countMessage()
        append(range, to: connection)
        return true
    }

    /// Whether this outbox takes so many more bytes. If not, a message counts as lost; if so, a due Loss comes first.
    private func admit(_ count: Int, to connection: ConnectionID) -> Bool {
        guard !boxes[connection].isSealed else { return false }
        // What has been gathered may turn out to be backlog, too. A small amount is not worth a write each time.
        if buffered + gathered + count > bounds.maxBuffered, gathered > bounds.maxBuffered / 64 { offerAll() }
        func fits() -> Bool {
            let unread = boxes[connection].unread
            let own = boxes[connection].backlog == 0 ? boxes[connection].pending.bytes : 0
            if unread == 0 { return true }
            guard unread + count <= bounds.window else { return false }
            return unread <= share || buffered + own + count <= bounds.maxBuffered
        }
        // Ranges of this turn that were not offered to the kernel yet do not prove that a reader is slow.
        if !fits(), boxes[connection].pending.bytes > 0, boxes[connection].backlog == 0 { flush(connection, send) }
        guard fits() else {
            addLoss(1, cause: .slowReader, to: connection)
            return false
        }
        if boxes[connection].lost > 0 { appendLoss(connection) }
        return true
    }

    /// Offers everything to the kernel in the middle of a turn: what it does not take must count before it is too much.
    private func offerAll() {
        for index in 0..<dirtyCount { flush(dirty[index], send) }
    }

    /// Counts messages that this connection does not get.
    func addLoss(_ messages: UInt64, cause: Cause, channelFaults: ChannelFaults = [], to connection: ConnectionID) {
        guard !boxes[connection].isSealed else { return }
        if boxes[connection].lost > 0, boxes[connection].lostCause != cause { appendLoss(connection) }
        if cause == .badName {
            // Faults that an earlier connection has left in this place do not belong to these messages.
            let earlier = boxes[connection].lost > 0 ? lostChannelFaults[connection] : nil
            lostChannelFaults[connection] = channelFaults.union(earlier ?? [])
        }
        boxes[connection].lost += messages
        boxes[connection].lostCause = cause
        counters.messagesLost[cause] += messages
        if cause == .slowReader, tallies[connection].lost == 0 { newSlowReaders.append(connection) }
        tallies[connection].lost += messages
        markDirty(connection)
    }

    private func appendLoss(_ connection: ConnectionID) {
        let cause = boxes[connection].lostCause
        let faults = cause == .badName ? lostChannelFaults.removeValue(forKey: connection) ?? [] : []
        let reason = faults.isEmpty ? cause.lossReason : faults.reason
        let report = LossReport(messages: boxes[connection].lost, cause: cause, reason: reason)
        boxes[connection].lost = 0
        append(arena.loss(report), to: connection)
    }

    @inline(__always)
    private func append(_ range: OutputRange, to connection: ConnectionID) {
        let box = boxes.pointer(to: connection)
        box.pointee.pending.add(bytes: range.count)
        if box.pointee.backlog > 0 { buffered += range.count } else { gathered += range.count }
        extend(connection, by: range)
    }

    /// Extends the last range, or begins another one.
    @inline(__always)
    private func extend(_ connection: ConnectionID, by range: OutputRange) {
        let box = boxes.pointer(to: connection)
        // For a box without ranges, this is not an address in the arena.
        if box.pointee.last.base + box.pointee.last.count == range.base {
            box.pointee.last.count += range.count
        } else {
            beginRange(range, connection)
        }
    }

    /// The frame does not follow the one before it in memory, or is the first one.
    @inline(never)
    private func beginRange(_ range: OutputRange, _ connection: ConnectionID) {
        let box = boxes.pointer(to: connection)
        if box.pointee.last.count > 0 { closeRange(connection) }
        box.pointee.last = range
        markDirty(connection)
    }

    /// Adds the last range to those before it.
    private func closeRange(_ connection: ConnectionID) {
        let box = boxes.pointer(to: connection)
        if box.pointee.rangeCount == box.pointee.rangeCapacity { growRanges(connection) }
        box.pointee.ranges.unsafelyUnwrapped[Int(box.pointee.rangeCount)] = box.pointee.last
        box.pointee.rangeCount += 1
        box.pointee.last = .none
    }

    private func growRanges(_ connection: ConnectionID) {
        let capacity = max(4, boxes[connection].rangeCapacity * 2)
        let grown = UnsafeMutablePointer<OutputRange>.allocate(capacity: Int(capacity))
        if let ranges = boxes[connection].ranges {
            grown.update(from: ranges, count: Int(boxes[connection].rangeCount))
            ranges.deallocate()
        }
        boxes[connection].ranges = grown
        boxes[connection].rangeCapacity = capacity
    }

    private func markDirty(_ connection: ConnectionID) {
        guard !boxes[connection].isDirty else { return }
        boxes[connection].isDirty = true
        dirty[dirtyCount] = connection
        dirtyCount += 1
    }

    // MARK: Writing

    /// Writes for every connection that has output. What a write adds (a Loss after a backlog) needs another pass.
    package func writeAll() {
        let send = send
        while dirtyCount > 0 {
            let count = dirtyCount
            swap(&dirty, &draining)
            dirtyCount = 0
            for index in 0..<count {
                let connection = draining[index]
                boxes[connection].isDirty = false
                flush(connection, send)
            }
        }
    }

    /// Writes for one connection. A count of lost messages is written as a Loss after the ranges of this turn, if the
    /// backlog is empty; until then the count can grow.
    @inline(__always)
    private func flush(_ connection: ConnectionID, _ send: Send) {
        offer(connection, send)
        guard boxes[connection].lost > 0, boxes[connection].backlog == 0 else { return }
        appendLoss(connection)
        offer(connection, send)
    }

    @inline(__always)
    private func offer(_ connection: ConnectionID, _ send: Send) {
        let box = boxes.pointer(to: connection)
        guard box.pointee.last.count > 0 else { return }
        counters.bytesToApps += UInt64(box.pointee.pending.bytes)
        tallies[connection].delivered &+= UInt64(box.pointee.pending.messages)
        forgetPending(connection)
        guard box.pointee.rangeCount == 0 else { return offerSeveral(connection, send) }
        var only = box.pointee.last
        box.pointee.last = .none
        let backlog = withUnsafeMutablePointer(to: &only) {
            send(connection, UnsafeMutableBufferPointer(start: $0, count: 1))
        }
        guard backlog | box.pointee.backlog == 0 else { return setBacklog(backlog, of: connection) }
        box.pointee.control = 0
    }

    private func offerSeveral(_ connection: ConnectionID, _ send: Send) {
        closeRange(connection)
        let ranges = UnsafeMutableBufferPointer(
            start: boxes[connection].ranges, count: Int(boxes[connection].rangeCount))
        boxes[connection].rangeCount = 0
        setBacklog(send(connection, ranges), of: connection)
        if boxes[connection].rangeCapacity > 64 {
            boxes[connection].ranges?.deallocate()
            boxes[connection].ranges = nil
            boxes[connection].rangeCapacity = 0
        }
    }

    /// The backlog has changed: the kernel has refused some output, or has taken some that it had refused.
    @inline(never)
    package func setBacklog(_ backlog: Int, of connection: ConnectionID) {
        let pending = boxes[connection].pending
        forgetPending(connection)
        buffered += backlog - boxes[connection].backlog
        if boxes[connection].isSealed { sealedBacklogs += backlog - boxes[connection].backlog }
        setControl(min(Int(boxes[connection].control), backlog + pending.bytes), of: connection)
        if (backlog > 0) != (boxes[connection].backlog > 0) {
            controlBuffered += Int(boxes[connection].control) * (backlog > 0 ? 1 : -1)
        }
        boxes[connection].backlog = backlog
        boxes[connection].pending = pending
        if backlog > 0 { buffered += pending.bytes } else { gathered += pending.bytes }
        if backlog == 0, boxes[connection].lost > 0 { markDirty(connection) }
    }

    /// Subtracts the ranges of this turn from all sums.
    @inline(__always)
    private func forgetPending(_ connection: ConnectionID) {
        if boxes[connection].backlog > 0 {
            buffered -= boxes[connection].pending.bytes
        } else {
            gathered -= boxes[connection].pending.bytes
        }
        boxes[connection].pending = PendingOutput()
    }

    private func checkHardBound(_ connection: ConnectionID) {
        if boxes[connection].backlog == 0 { flush(connection, send) }
        guard boxes[connection].unread > bounds.hardBound, !boxes[connection].hasOverflowed else { return }
        boxes[connection].hasOverflowed = true
        overflowed.append(connection)
    }

    /// Whether a connection has exceeded the hard bound since the last `takeOverflowed()`, or all together a bound.
    var hasOverflowed: Bool {
        !overflowed.isEmpty || controlBuffered > bounds.maxBuffered || sealedBacklogs > bounds.maxBuffered
    }

    /// Whether unread Replies of all connections take at least half of what they may.
    @inline(__always)
    var isControlTight: Bool { controlBuffered >= bounds.maxBuffered / 2 }

    /// Whether `takeNewSlowReaders` has any.
    var hasNewSlowReaders: Bool { !newSlowReaders.isEmpty }

    /// The connections that have lost their first message since the last call, because they do not read fast enough.
    func takeNewSlowReaders() -> [ConnectionID] {
        defer { newSlowReaders.removeAll() }
        // A connection in the list may have closed since, and another one may have its place.
        return newSlowReaders.filter { !boxes[$0].isSealed && tallies[$0].lost > 0 }
    }

    /// The connections that have gone past the hard bound since the last call.
    func takeOverflowed() -> [ConnectionID] {
        defer { overflowed.removeAll() }
        // A connection in the list may have closed since, and another one may have its place.
        return overflowed.filter { boxes[$0].hasOverflowed && !boxes[$0].isSealed }
    }

    /// The connections with the most unread bytes that are never dropped: so many of them that the others are within
    /// the bound for all together. They are to be sealed.
    func takeMostUnread() -> [ConnectionID] {
        largest(exceeding: controlBuffered) { boxes[$0].backlog > 0 ? Int(boxes[$0].control) : 0 }
    }

    /// The sealed outboxes with the largest backlogs: so many of them that the others are within the bound for all
    /// together. They are to be closed at once.
    func takeMostSealed() -> [ConnectionID] {
        largest(exceeding: sealedBacklogs) { boxes[$0].isSealed ? boxes[$0].backlog : 0 }
    }

    /// The connections with the largest amounts, largest first: so many that the rest of `sum` is within the bound.
    private func largest(exceeding sum: Int, by amount: (_ connection: ConnectionID) -> Int) -> [ConnectionID] {
        var excess = sum - bounds.maxBuffered
        guard excess > 0 else { return [] }
        let opened = (0..<openedCount).map(ConnectionID.init(index:))
        let sorted = opened.filter { amount($0) > 0 }.sorted { amount($0) > amount($1) }
        return Array(
            sorted.prefix { connection in
                defer { excess -= amount(connection) }
                return excess > 0
            })
    }
}
