/// The publish link's output and the publishes that Redis has not answered yet, in the order in which they were
/// written: Redis answers in that order, so a reply belongs to the head of the ring.
package final class PublishQueue {
    /// The sender of a command: an app, or the relay itself with one of its own commands.
    package enum Owner {
        case app(connection: ConnectionID, generation: UInt32, id: UInt64)
        case ping
        case role
        case clusterInfo
        case probe(number: UInt64)
        case marker(number: UInt64)
        case setName
        case announcement
    }

    private struct Flight {
        /// The index of the app's connection, or which of the relay's own commands it is.
        var asker: Int32
        var generation: UInt32
        var id: UInt64
        /// Position of the command's first byte in the link's output.
        var start: UInt64
    }

    /// The values of `asker` for the relay's own commands.
    private enum OwnCommand {
        static let ping: Int32 = -1
        static let role: Int32 = -2
        static let probe: Int32 = -3
        static let clusterInfo: Int32 = -4
        static let marker: Int32 = -5
        static let setName: Int32 = -6
        static let announcement: Int32 = -7
    }

    /// The largest number of commands in flight.
    package static let ringCapacity = 1 << 16
    /// Places for the relay's own commands, which are few and must get through when apps have filled the ring.
    private static let reservedForOwn = 16
    /// With more unsent bytes than this, no publish is taken.
    package static let highWater = 1 << 20
    /// With more gathered bytes than this, they are written before the turn ends.
    package static let flushThreshold = 256 << 10

    package let output = OutputBuffer()
    /// Bytes that the kernel has not taken; set by the I/O layer.
    package var backlog = 0

    /// Grows only while more is in flight than ever before, since a large ring that is mostly empty would pass all its
    /// places through the cache one after the other. `ringSize` is a power of two. Places from `head` to `tail` are
    /// initialized, and there are never more of them than `ringSize`.
    private var ring: UnsafeMutablePointer<Flight>
    private var ringSize = 256
    private var head: UInt64 = 0
    private var tail: UInt64 = 0

    private let verb: StaticString
    let isSharded: Bool

    /// - Parameter isSharded: whether to publish with SPUBLISH.
    init(isSharded: Bool = false) {
        ring = .allocate(capacity: ringSize)
        self.isSharded = isSharded
        verb = isSharded ? "*3\r\n$8\r\nSPUBLISH\r\n$" : "*3\r\n$7\r\nPUBLISH\r\n$"
    }

    deinit { ring.deallocate() }

    /// Publishes of apps that wait for their reply.
    package private(set) var publishesInFlight = 0

    /// Commands that wait for their reply, the relay's own included.
    package var inFlight: Int { Int(tail - head) }

    /// What has been asked, and what Redis has answered.
    package var debt: LinkDebt { LinkDebt(asked: tail, answered: head) }

    /// A mark after everything that is in flight now, for `isAnswered(upTo:)`.
    var end: UInt64 { tail }
    /// Whether everything before the mark has been answered, or given up.
    func isAnswered(upTo end: UInt64) -> Bool { head >= end }

    var isCongested: Bool {
        backlog > Self.highWater || output.count > Self.highWater
            || inFlight >= Self.ringCapacity - Self.reservedForOwn
    }

    /// Whether there is a place for one more command. Publishes of apps stop earlier, when `isCongested`.
    var hasRoom: Bool { inFlight < Self.ringCapacity }

    /// Writes `PUBLISH prefix+channel payload`, or SPUBLISH, and notes the owner. Makes the payload's one copy on its
    /// way to Redis.
    @inline(__always)
    func publish(
        prefix: UnsafeRawBufferPointer, channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer, owner: Owner
    ) {
        push(owner)
        // 64 is more than the verb (19 bytes), two lengths of up to 15 digits, four line ends and a `$` take.
        let room = prefix.count + channel.count + payload.count + 64
        let start = output.reserve(room)
        var writer = WireWriter(start)
        writer.raw(verb)
        writer.decimal(UInt64(prefix.count + channel.count))
        writer.lineEnd()
        writer.raw(prefix)
        writer.raw(channel)
        writer.lineEnd()
        writer.byte(UInt8(ascii: "$"))
        writer.decimal(UInt64(payload.count))
        writer.lineEnd()
        writer.raw(payload)
        writer.lineEnd()
        output.commit(writer.position - start)
    }

    /// Appends one of the relay's own commands, already formatted.
    /// - Returns: false if the ring has no place left: the command was not appended.
    func own(_ bytes: UnsafeRawBufferPointer, owner: Owner) -> Bool {
        guard hasRoom else { return false }
        push(owner)
        output.append(bytes)
        return true
    }

    // MARK: Markers

    /// Where the ring ended when the last marker had been appended.
    private var markedEnd: UInt64 = 0
    private var markers: UInt64 = 0

    /// How many commands follow the last marker, including those that have an answer.
    package var unmarked: Int { Int(tail - markedEnd) }

    /// Appends a marker: a PING whose answer repeats the PING's text, which is used only once. RESP does not number
    /// answers. So if a broken path swallows one answer, every later answer is taken for that of the command before,
    /// until an answer comes that only one command can have. With the right answer to a marker, all answers are known
    /// to be in step.
    /// - Returns: false if the ring has no place left: the marker was not appended.
    package func mark() -> Bool {
        guard hasRoom else { return false }
        markers += 1
        push(.marker(number: markers))
        let token = PingToken.bytes(of: markers)
        let room = 32 + token.count
        let start = output.reserve(room)
        var writer = WireWriter(start)
        writer.raw("*2\r\n$4\r\nPING\r\n$")
        writer.decimal(UInt64(token.count))
        writer.lineEnd()
        token.withUnsafeBytes { writer.raw($0) }
        writer.lineEnd()
        output.commit(writer.position - start)
        markedEnd = tail
        return true
    }

    @inline(__always)
    private func push(_ owner: Owner) {
        if inFlight == ringSize { growRing() }
        let flight: Flight
        switch owner {
        case .app(let connection, let generation, let id):
            publishesInFlight += 1
            flight = Flight(
                asker: Int32(truncatingIfNeeded: connection.index), generation: generation, id: id,
                start: output.position)
        case .ping: flight = Flight(asker: OwnCommand.ping, generation: 0, id: 0, start: output.position)
        case .role: flight = Flight(asker: OwnCommand.role, generation: 0, id: 0, start: output.position)
        case .clusterInfo: flight = Flight(asker: OwnCommand.clusterInfo, generation: 0, id: 0, start: output.position)
        case .setName: flight = Flight(asker: OwnCommand.setName, generation: 0, id: 0, start: output.position)
        case .announcement:
            flight = Flight(asker: OwnCommand.announcement, generation: 0, id: 0, start: output.position)
        case .probe(let number):
            flight = Flight(asker: OwnCommand.probe, generation: 0, id: number, start: output.position)
        case .marker(let number):
            flight = Flight(asker: OwnCommand.marker, generation: 0, id: number, start: output.position)
        }
        (ring + Int(tail) & (ringSize - 1)).initialize(to: flight)
        tail += 1
    }

    private func growRing() {
        precondition(inFlight < Self.ringCapacity, "nothing is asked while the ring is full")
        let grown = UnsafeMutablePointer<Flight>.allocate(capacity: ringSize * 2)
        for position in head..<tail {
            (grown + Int(position) & (ringSize * 2 - 1)).initialize(to: ring[Int(position) & (ringSize - 1)])
        }
        ring.deallocate()
        (ring, ringSize) = (grown, ringSize * 2)
    }

    /// Whether the oldest unanswered command is a PUBLISH, which only a number or an error can answer.
    package var isNumberDue: Bool {
        guard let asker = dueAsker else { return false }
        return asker >= 0 || asker == OwnCommand.probe || asker == OwnCommand.announcement
    }

    /// Whether the oldest unanswered command is ROLE, the only one that is answered with an array.
    package var isRoleDue: Bool { dueAsker == OwnCommand.role }

    /// Whether the oldest unanswered command is one to which a string may be an answer.
    package var isStringDue: Bool { inFlight > 0 && !isNumberDue }

    /// The `asker` of the oldest unanswered command; nil if all are answered.
    private var dueAsker: Int32? { head < tail ? ring[Int(head) & (ringSize - 1)].asker : nil }

    /// Bytes of the oldest unanswered command; 0 if all are answered.
    package var oldestSize: Int { head < tail ? size(at: head) : 0 }

    /// Bytes of the largest unanswered publish of an app of which at least one byte was sent; 0 if there is none.
    /// - Parameter unsent: bytes of the output that were never sent, including those in the backlog.
    package func largestPublish(unsent: Int) -> Int {
        let sent = output.position - UInt64(unsent)
        var largest = 0
        for position in head..<tail {
            let flight = ring[Int(position) & (ringSize - 1)]
            if flight.asker >= 0, flight.start < sent { largest = max(largest, size(at: position)) }
        }
        return largest
    }

    private func size(at position: UInt64) -> Int {
        let end = position + 1 < tail ? ring[Int(position + 1) & (ringSize - 1)].start : output.position
        return Int(end - ring[Int(position) & (ringSize - 1)].start)
    }

    /// The owner of the reply that has come; nil if no reply was due, which is a violation by Redis.
    @inline(__always)
    func popAnswered() -> Owner? {
        guard head < tail else { return nil }
        return pop().owner
    }

    /// Empties the ring after the link has failed.
    /// - Parameter unsent: bytes of the output that were never sent, including those in the backlog.
    /// - Parameter body: gets every owner in order, and whether at least one byte of its command was sent.
    func abandon(unsent: Int, _ body: (Owner, _ hadLeft: Bool) -> Void) {
        let sent = output.position - UInt64(unsent)
        while head < tail {
            let (owner, start) = pop()
            body(owner, start < sent)
        }
        output.removeAll()
        backlog = 0
        markedEnd = tail
    }

    @inline(__always)
    private func pop() -> (owner: Owner, start: UInt64) {
        let flight = ring[Int(head) & (ringSize - 1)]
        head += 1
        guard flight.asker < 0 else {
            publishesInFlight -= 1
            return (
                .app(connection: ConnectionID(index: Int(flight.asker)), generation: flight.generation, id: flight.id),
                flight.start
            )
        }
        return (Self.ownOwner(flight), flight.start)
    }

    /// The owner of one of the relay's own commands.
    @inline(never)
    private static func ownOwner(_ flight: Flight) -> Owner {
        switch flight.asker {
        case OwnCommand.ping: .ping
        case OwnCommand.role: .role
        case OwnCommand.clusterInfo: .clusterInfo
        case OwnCommand.probe: .probe(number: flight.id)
        case OwnCommand.marker: .marker(number: flight.id)
        case OwnCommand.setName: .setName
        case OwnCommand.announcement: .announcement
        default: preconditionFailure("all that are written by push")
        }
    }
}

extension WireWriter {
    /// RESP's line end.
    mutating func lineEnd() {
        byte(13)
        byte(10)
    }

    /// The number in decimal digits.
    @inline(__always)
    mutating func decimal(_ value: UInt64) {
        if value < 10 { return byte(48 + UInt8(truncatingIfNeeded: value)) }
        if value < 100 { return twoDigits(value) }
        if value < 1000 {
            byte(48 + UInt8(truncatingIfNeeded: value / 100))
            return twoDigits(value % 100)
        }
        longDecimal(value)
    }

    @inline(__always)
    private mutating func twoDigits(_ value: UInt64) {
        byte(48 + UInt8(truncatingIfNeeded: value / 10))
        byte(48 + UInt8(truncatingIfNeeded: value % 10))
    }

    @inline(never)
    private mutating func longDecimal(_ value: UInt64) {
        var divisor: UInt64 = 1000
        while value / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            byte(48 + UInt8(truncatingIfNeeded: value / divisor % 10))
            divisor /= 10
        }
    }
}
