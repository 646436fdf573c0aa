/// The output of all connections in one loop turn, and the rules for those that read too slowly.
///
/// An outbox holds ranges of the arena and owns no bytes. Once a turn they go to the kernel, and what it does not
/// take is copied by the I/O layer, which tells us the size of that backlog. Unread output of one connection:
///
///     | backlog: refused by the kernel so far | pending: ranges of this turn | lost: a count, not yet a frame |
///
/// A Message that would make backlog + pending larger than the window is dropped and counted in `lost`. The count
/// becomes a Loss frame when the next frame is put behind it, or when everything before it has been written: so
/// the frame stands where the messages would have been, and counts with nothing between them merge.
package final class Outboxes {
    /// One cache line. Fan-out to many readers is bound by how many lines it touches, and mostly this is the only one.
    struct Outbox {
        /// The last range, which grows while what is added lies behind it in memory; a count of 0: there is none.
        /// It points into the arena, as those before it do. Invariant: a box that has one is in the list of those to be
        /// written, and whoever resets the arena has gone through that list.
        var last = OutputRange.none
        /// The ranges before it; never nil while `rangeCapacity` is over 0.
        var ranges: UnsafeMutablePointer<OutputRange>?
        var rangeCount: Int32 = 0
        var rangeCapacity: Int32 = 0
        var pending = 0
        var backlog = 0
        var lost: UInt64 = 0
        var lostCause = Cause.slowReader
        var isDirty = false
        /// Nothing more is taken: the connection has failed or is about to close.
        var isSealed = false
        var hasOverflowed = false
        /// Bytes of frames that are never dropped, counted since everything was last written. So many of the unread bytes are
        /// such at most, and in `controlBuffered` while there is a backlog.
        var control: UInt32 = 0
    }

    package struct Bounds: Sendable {
        /// Unread bytes of one connection beyond which Messages are dropped.
        package var window: Int
        /// The same for all connections together. Over it each connection may have its share, and one frame. Frames that are
        /// never dropped have a bound of the same size to themselves, past which connections are closed; and so has what
        /// closed connections may still read, past which it is thrown away.
        package var maxBuffered: Int
        /// Unread bytes of one connection beyond which it is closed, whatever they are.
        package var hardBound: Int
        package init(window: Int, maxBuffered: Int, hardBound: Int) {
            (self.window, self.maxBuffered, self.hardBound) = (window, maxBuffered, hardBound)
        }
    }

    package var arena = Arena()
    package let bounds: Bounds
    /// Bytes that kernels have not taken, or will not take yet since others are before them, over all connections.
    package private(set) var buffered = 0
    /// Bytes of this turn that kernels may still take at once, over all connections: those with nothing before them.
    private var gathered = 0
    /// Unread bytes of frames that are never dropped, over all connections, as an upper bound.
    private var controlBuffered = 0
    /// The backlogs of sealed outboxes.
    private var sealedBacklogs = 0
    /// What a connection may have unread however much others have, beside one frame of any size (contract rule 7).
    private(set) var share = Outboxes.largestShare
    private static let largestShare = 64 << 10
    private var openCount = 0
    /// Hands ranges to the kernel and returns the backlog after it: what the kernel has not taken, copied by then. Set by
    /// the I/O layer before the first frame.
    package var send: Send = { _, _ in 0 }
    package typealias Send = (_ slot: Int, _ ranges: UnsafeMutableBufferPointer<OutputRange>) -> Int

    /// Invariant: a slot is opened before anything else is done with it, and slots are under the capacity.
    private let boxes: UnsafeMutablePointer<Outbox>
    /// Boxes that are initialized, being or having been open.
    private var openedCount = 0
    private var dirty: UnsafeMutablePointer<Int32>
    private var draining: UnsafeMutablePointer<Int32>
    /// Slots in the list of those to be written, each once.
    private(set) var dirtyCount = 0
    private var overflowed: [Int] = []
    /// By slot, of messages lost by `badName`; apart from the boxes, which are one cache line each.
    private var lostChannelFaults: [Int: ChannelFaults] = [:]
    private let counters: Counters

    init(capacity: Int, bounds: Bounds, counters: Counters) {
        // Untouched pages of this cost nothing: slots are used from the lowest on, and initialized when opened.
        assert(MemoryLayout<Outbox>.stride == 64)
        boxes = UnsafeMutableRawPointer.allocate(byteCount: capacity * MemoryLayout<Outbox>.stride, alignment: 64)
            .bindMemory(to: Outbox.self, capacity: capacity)
        dirty = .allocate(capacity: capacity)
        draining = .allocate(capacity: capacity)
        self.bounds = bounds
        self.counters = counters
    }

    deinit {
        boxes.deallocate()
        dirty.deallocate()
        draining.deallocate()
    }

    /// Slots are opened from the lowest on, and again once they are closed.
    func open(_ slot: Int) {
        // A slot that is used again may still be in the list of those to be written. Twice in it would be too much.
        let isDirty = slot < openedCount && boxes[slot].isDirty
        (boxes + slot).initialize(to: Outbox(isDirty: isDirty))
        openedCount = max(openedCount, slot + 1)
        openCount += 1
        settleShare()
    }

    private func settleShare() { share = min(Self.largestShare, bounds.maxBuffered / (2 * max(1, openCount))) }

    func close(_ slot: Int) {
        seal(slot)
        openCount -= 1
        settleShare()
        forgetPending(slot)
        buffered -= boxes[slot].backlog
        sealedBacklogs -= boxes[slot].backlog
        boxes[slot].ranges?.deallocate()
        let wasDirty = boxes[slot].isDirty
        boxes[slot] = Outbox(isDirty: wasDirty, isSealed: true)
    }

    /// From here on the outbox takes nothing more; what is in it is still written.
    func seal(_ slot: Int) {
        guard !boxes[slot].isSealed else { return }
        boxes[slot].isSealed = true
        setControl(0, of: slot)
        sealedBacklogs += boxes[slot].backlog
    }

    func isSealed(_ slot: Int) -> Bool { boxes[slot].isSealed }

    /// Everything not yet with the kernel is thrown away, and nothing more is taken: the peer is gone.
    package func discard(_ slot: Int) {
        seal(slot)
        boxes[slot].rangeCount = 0
        boxes[slot].last = .none
        forgetPending(slot)
        boxes[slot].lost = 0
    }

    /// Unread bytes: what the kernel refused, and what this turn has added.
    func unread(_ slot: Int) -> Int { boxes[slot].backlog + boxes[slot].pending }

    // MARK: Adding frames

    /// Adds a frame that is never dropped. Past the hard bound the connection is listed in `takeOverflowed()`.
    @inline(__always)
    func appendControl(_ range: OutputRange, to slot: Int) {
        guard !boxes[slot].isSealed else { return }
        if boxes[slot].lost > 0 { appendLoss(slot) }
        let box = boxes + slot
        box.pointee.pending += range.count
        box.pointee.control &+= UInt32(truncatingIfNeeded: range.count)
        if box.pointee.backlog > 0 { countUnread(range.count) } else { gathered += range.count }
        extend(slot, by: range)
        if box.pointee.backlog + box.pointee.pending > bounds.hardBound { checkHardBound(slot) }
    }

    @inline(never)
    private func countUnread(_ control: Int) {
        buffered += control
        controlBuffered += control
    }

    /// - Parameter control: not more than there was.
    private func setControl(_ control: Int, of slot: Int) {
        if boxes[slot].backlog > 0 { controlBuffered -= Int(boxes[slot].control) - control }
        boxes[slot].control = UInt32(truncatingIfNeeded: control)
    }

    /// Adds a Message for each member, or counts it as lost for those that read too slowly.
    /// - Returns: for how many it was added.
    @inline(__always)
    func appendMessage(
        _ range: OutputRange, to members: UnsafeMutablePointer<ChannelTable.Member>, count: Int
    ) -> UInt64 {
        // Unless somebody has a backlog, or very much has been gathered, each outbox has only itself to look at.
        guard buffered == 0, gathered + count * range.count <= bounds.maxBuffered else {
            return appendMessageWithCare(range, to: members, places: 0..<count)
        }
        for place in 0..<count {
            let slot = Int(members[place].slot)
            let box = boxes + slot
            let pending = box.pointee.pending + range.count
            guard pending <= bounds.window, box.pointee.lost == 0, !box.pointee.isSealed else {
                gathered += place * range.count
                return UInt64(place) + appendMessageWithCare(range, to: members, places: place..<count)
            }
            box.pointee.pending = pending
            extend(slot, by: range)
        }
        gathered += count * range.count
        return UInt64(count)
    }

    private func appendMessageWithCare(
        _ range: OutputRange, to members: UnsafeMutablePointer<ChannelTable.Member>, places: Range<Int>
    ) -> UInt64 {
        var added: UInt64 = 0
        for place in places where appendMessage(range, to: Int(members[place].slot)) { added += 1 }
        return added
    }

    /// - Returns: whether it was added.
    private func appendMessage(_ range: OutputRange, to slot: Int) -> Bool {
        guard admit(range.count, to: slot) else { return false }
        append(range, to: slot)
        return true
    }

    /// Whether this outbox takes so much more. Where something is in the way, a Loss that has to come first is put there.
    private func admit(_ count: Int, to slot: Int) -> Bool {
        guard !boxes[slot].isSealed else { return false }
        // What has been gathered may turn out to be one backlog more. A small amount is not worth a write each time.
        if buffered + gathered + count > bounds.maxBuffered, gathered > bounds.maxBuffered / 64 { offerAll() }
        func fits() -> Bool {
            let unread = boxes[slot].backlog + boxes[slot].pending
            let own = boxes[slot].backlog == 0 ? boxes[slot].pending : 0
            if unread == 0 { return true }
            guard unread + count <= bounds.window else { return false }
            return unread <= share || buffered + own + count <= bounds.maxBuffered
        }
        // Ranges of this turn that were not offered to the kernel yet are no proof of a slow reader.
        if !fits(), boxes[slot].pending > 0, boxes[slot].backlog == 0 { flush(slot, send) }
        guard fits() else {
            addLoss(1, cause: .slowReader, to: slot)
            return false
        }
        if boxes[slot].lost > 0 { appendLoss(slot) }
        return true
    }

    /// Offers everything to the kernels in the middle of a turn: what they will not take has to count before there is
    /// too much of it.
    private func offerAll() {
        for index in 0..<dirtyCount { flush(Int(dirty[index]), send) }
    }

    /// Counts messages that this connection does not get.
    func addLoss(_ messages: UInt64, cause: Cause, channelFaults: ChannelFaults = [], to slot: Int) {
        guard !boxes[slot].isSealed else { return }
        if boxes[slot].lost > 0, boxes[slot].lostCause != cause { appendLoss(slot) }
        if cause == .badName {
            // What a connection that has ended left here is not of these messages.
            let earlier = boxes[slot].lost > 0 ? lostChannelFaults[slot] : nil
            lostChannelFaults[slot] = channelFaults.union(earlier ?? [])
        }
        boxes[slot].lost += messages
        boxes[slot].lostCause = cause
        counters.messagesLost[cause] += messages
        markDirty(slot)
    }

    private func appendLoss(_ slot: Int) {
        let cause = boxes[slot].lostCause
        let faults = cause == .badName ? lostChannelFaults.removeValue(forKey: slot) ?? [] : []
        let reason = faults.isEmpty ? cause.lossReason : faults.reason
        let report = LossReport(messages: boxes[slot].lost, cause: cause, reason: reason)
        boxes[slot].lost = 0
        append(arena.loss(report), to: slot)
    }

    @inline(__always)
    private func append(_ range: OutputRange, to slot: Int) {
        let box = boxes + slot
        box.pointee.pending += range.count
        if box.pointee.backlog > 0 { buffered += range.count } else { gathered += range.count }
        extend(slot, by: range)
    }

    /// Makes the last range longer, or begins another one.
    @inline(__always)
    private func extend(_ slot: Int, by range: OutputRange) {
        let box = boxes + slot
        // Of a box without ranges this is no address of the arena.
        if box.pointee.last.base + box.pointee.last.count == range.base {
            box.pointee.last.count += range.count
        } else {
            beginRange(range, slot)
        }
    }

    /// The frame does not lie behind the one before it, or there is none before it.
    @inline(never)
    private func beginRange(_ range: OutputRange, _ slot: Int) {
        let box = boxes + slot
        if box.pointee.last.count > 0 { closeRange(slot) }
        box.pointee.last = range
        markDirty(slot)
    }

    /// Puts the last range with those before it.
    private func closeRange(_ slot: Int) {
        let box = boxes + slot
        if box.pointee.rangeCount == box.pointee.rangeCapacity { growRanges(slot) }
        box.pointee.ranges.unsafelyUnwrapped[Int(box.pointee.rangeCount)] = box.pointee.last
        box.pointee.rangeCount += 1
        box.pointee.last = .none
    }

    private func growRanges(_ slot: Int) {
        let capacity = max(4, boxes[slot].rangeCapacity * 2)
        let grown = UnsafeMutablePointer<OutputRange>.allocate(capacity: Int(capacity))
        if let ranges = boxes[slot].ranges {
            grown.update(from: ranges, count: Int(boxes[slot].rangeCount))
            ranges.deallocate()
        }
        boxes[slot].ranges = grown
        boxes[slot].rangeCapacity = capacity
    }

    private func markDirty(_ slot: Int) {
        guard !boxes[slot].isDirty else { return }
        boxes[slot].isDirty = true
        dirty[dirtyCount] = Int32(slot)
        dirtyCount += 1
    }

    // MARK: Writing

    /// Writes for every connection that has output. What a write adds in passing (a Loss behind a backlog that is gone) is
    /// written in a second pass.
    package func writeAll() {
        let send = send
        while dirtyCount > 0 {
            let count = dirtyCount
            swap(&dirty, &draining)
            dirtyCount = 0
            for index in 0..<count {
                let slot = Int(draining[index])
                boxes[slot].isDirty = false
                flush(slot, send)
            }
        }
    }

    /// Writes for one connection. A pending count of lost messages goes out behind the ranges of this turn once the backlog
    /// is empty; until then it can grow.
    @inline(__always)
    private func flush(_ slot: Int, _ send: Send) {
        offer(slot, send)
        guard boxes[slot].lost > 0, boxes[slot].backlog == 0 else { return }
        appendLoss(slot)
        offer(slot, send)
    }

    @inline(__always)
    private func offer(_ slot: Int, _ send: Send) {
        let box = boxes + slot
        guard box.pointee.last.count > 0 else { return }
        counters.bytesToApps += UInt64(box.pointee.pending)
        forgetPending(slot)
        guard box.pointee.rangeCount == 0 else { return offerSeveral(slot, send) }
        var only = box.pointee.last
        box.pointee.last = .none
        let backlog = withUnsafeMutablePointer(to: &only) {
            send(slot, UnsafeMutableBufferPointer(start: $0, count: 1))
        }
        guard backlog | box.pointee.backlog == 0 else { return setBacklog(backlog, of: slot) }
        box.pointee.control = 0
    }

    private func offerSeveral(_ slot: Int, _ send: Send) {
        closeRange(slot)
        let ranges = UnsafeMutableBufferPointer(start: boxes[slot].ranges, count: Int(boxes[slot].rangeCount))
        boxes[slot].rangeCount = 0
        setBacklog(send(slot, ranges), of: slot)
        if boxes[slot].rangeCapacity > 64 {
            boxes[slot].ranges?.deallocate()
            boxes[slot].ranges = nil
            boxes[slot].rangeCapacity = 0
        }
    }

    /// The kernel has taken some of what it had refused.
    @inline(never)
    package func setBacklog(_ backlog: Int, of slot: Int) {
        let pending = boxes[slot].pending
        forgetPending(slot)
        buffered += backlog - boxes[slot].backlog
        if boxes[slot].isSealed { sealedBacklogs += backlog - boxes[slot].backlog }
        setControl(min(Int(boxes[slot].control), backlog + pending), of: slot)
        if (backlog > 0) != (boxes[slot].backlog > 0) {
            controlBuffered += Int(boxes[slot].control) * (backlog > 0 ? 1 : -1)
        }
        boxes[slot].backlog = backlog
        boxes[slot].pending = pending
        if backlog > 0 { buffered += pending } else { gathered += pending }
        if backlog == 0, boxes[slot].lost > 0 { markDirty(slot) }
    }

    /// Takes the ranges of this turn off the books.
    @inline(__always)
    private func forgetPending(_ slot: Int) {
        if boxes[slot].backlog > 0 { buffered -= boxes[slot].pending } else { gathered -= boxes[slot].pending }
        boxes[slot].pending = 0
    }

    private func checkHardBound(_ slot: Int) {
        if boxes[slot].backlog == 0 { flush(slot, send) }
        guard boxes[slot].backlog + boxes[slot].pending > bounds.hardBound, !boxes[slot].hasOverflowed else { return }
        boxes[slot].hasOverflowed = true
        overflowed.append(slot)
    }

    /// Whether a connection has gone past the hard bound since the last `takeOverflowed()`, or all together are past a bound.
    var hasOverflowed: Bool {
        !overflowed.isEmpty || controlBuffered > bounds.maxBuffered || sealedBacklogs > bounds.maxBuffered
    }

    /// Whether half of what unread Replies may take over all connections is taken.
    @inline(__always)
    var isControlTight: Bool { controlBuffered >= bounds.maxBuffered / 2 }

    /// The connections that have gone past the hard bound since the last call.
    func takeOverflowed() -> [Int] {
        defer { overflowed.removeAll() }
        // A slot in the list may have been closed since, and belong to somebody else by now.
        return overflowed.filter { boxes[$0].hasOverflowed && !boxes[$0].isSealed }
    }

    /// The connections that have most unread of what is never dropped: so many of them that the others keep the bound over
    /// all. They are to be sealed.
    func takeMostUnread() -> [Int] {
        largest(exceeding: controlBuffered) { boxes[$0].backlog > 0 ? Int(boxes[$0].control) : 0 }
    }

    /// The sealed outboxes with the largest backlogs: so many of them that the others keep the bound over all. They are to be
    /// closed at once.
    func takeMostSealed() -> [Int] {
        largest(exceeding: sealedBacklogs) { boxes[$0].isSealed ? boxes[$0].backlog : 0 }
    }

    /// The slots of which there is most, most first: so many of them that what is left of `sum` is within the bound.
    private func largest(exceeding sum: Int, by amount: (_ slot: Int) -> Int) -> [Int] {
        var excess = sum - bounds.maxBuffered
        guard excess > 0 else { return [] }
        let sorted = (0..<openedCount).filter { amount($0) > 0 }.sorted { amount($0) > amount($1) }
        return Array(
            sorted.prefix { slot in
                defer { excess -= amount(slot) }
                return excess > 0
            })
    }
}

extension Cause {
    /// The text for people in a Loss frame.
    var lossReason: String {
        switch self {
        case .slowReader: "this connection does not read fast enough"
        case .tooLarge: "larger than max_payload_bytes"
        case .badName: "the channel is not a valid name"
        case .notConnected: "not connected to Redis"
        case .refused: "Redis refused it"
        case .invalid: "the request was invalid"
        default: "the link to Redis failed"
        }
    }
}
