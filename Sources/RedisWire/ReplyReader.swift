internal import CHiredis

/// Reads RESP2 from Redis, in pieces of any size, and hands each complete reply to a ``ReplySink``. Whole messages and
/// integers are read in place. For everything else, hiredis finds the elements. Neither costs an allocation.
///
/// The reader never reads ahead of the pieces, and holds at most one unfinished reply. After an error or ``stop()`` it
/// cannot be used any more: a new connection needs a new reader.
package final class ReplyReader {
    /// The most bytes that hiredis is given at once. It moves the rest of its buffer forward after each reply, so the
    /// cost of a piece grows with the square of its size.
    private static let pieceBytes = 4 << 10
    /// A reply larger than this leaves a buffer behind that is worth freeing.
    private static let largeReplyBytes = 1 << 20

    private let assembler: ReplyAssembler
    /// Invariant: `feed` retains the sink while it hands something to it.
    let borrowedSink: Unmanaged<ReplySink>
    private let limits: ReplyLimits
    private let functions: UnsafeMutablePointer<redisReplyObjectFunctions>
    private var reader: UnsafeMutablePointer<redisReader>
    private var failure: ReplyError?
    private var feeding = false

    /// Bytes received of a reply that is not complete; 0 once the reading has ended.
    package private(set) var pendingBytes = 0

    /// `sink` is not retained. It must live as long as `feed` may be called.
    package init(limits: ReplyLimits = ReplyLimits(), sink: ReplySink) {
        self.limits = limits
        borrowedSink = .passUnretained(sink)
        assembler = ReplyAssembler(limits: limits, sink: sink)
        functions = .allocate(capacity: 1)
        functions.initialize(to: .assembling)
        reader = Self.makeReader(functions, for: assembler)
    }

    deinit {
        redisReaderFree(reader)
        functions.deallocate()
    }

    /// Bytes of memory that the buffer of unfinished replies takes.
    package var bufferCapacity: Int { hubrelay_buffer_capacity(reader) }

    var isStopped: Bool { assembler.stopped }
    var maxReplyBytes: Int { limits.maxReplyBytes }

    /// Ends the reading: nothing more is handed to the sink. May be called at any time, also from inside a call of the
    /// sink. The `feed` that has called the sink then returns without an error.
    package func stop() {
        assembler.stopped = true
        pendingBytes = 0
    }

    /// Takes what arrived next, in the order of arrival. Bytes are copied where they have to be kept.
    ///
    /// Throws if a reply cannot be read or exceeds a limit, after all complete replies before it were handed over.
    /// Throws again at every call after that. Does nothing after ``stop()``.
    package func feed(_ bytes: UnsafeRawBufferPointer) throws(ReplyError) {
        precondition(!feeding, "ReplyReader.feed called from inside a call of its sink")
        guard !assembler.stopped else { return }
        if let failure { throw failure }
        feeding = true
        defer { feeding = false }
        // Retained once for all that has arrived: if reading drops the sink's link, the sink lives until the end of
        // this call.
        let sink = borrowedSink.takeUnretainedValue()
        defer { withExtendedLifetime(sink) {} }

        var rest = bytes
        while true {
            if pendingBytes == 0 { rest = UnsafeRawBufferPointer(rebasing: rest[readInPlace(rest)...]) }
            if rest.isEmpty || assembler.stopped { return }
            let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(Self.pieceBytes))
            rest = UnsafeRawBufferPointer(rebasing: rest[try take(piece)...])
        }
    }

    /// Gives `piece` to hiredis.
    /// - Returns: how many of its bytes have been taken: all of them, unless a reply is followed by one that may be
    ///   read in place.
    private func take(_ piece: UnsafeRawBufferPointer) throws(ReplyError) -> Int {
        guard redisReaderFeed(reader, piece.baseAddress, piece.count) == REDIS_OK else { throw ended() }
        var unfinished = pendingBytes + piece.count
        while unfinished > 0 {
            var reply: UnsafeMutableRawPointer?
            guard redisReaderGetReply(reader, &reply) == REDIS_OK else {
                pendingBytes = 0
                if assembler.stopped { return piece.count }
                throw ended()
            }
            guard reply != nil else { break }
            let rest = unreadBytes
            if unfinished - rest > Self.largeReplyBytes { renew() }
            unfinished = rest
            if rest > 0, ReplyCursor.mayBegin(UnsafeRawBufferPointer(rebasing: piece[(piece.count - rest)...])) {
                // hiredis is between two replies, and the bytes that it has not read are marked as read. It drops them
                // once it has read on, so that they waste less than two pieces of memory.
                reader.pointee.pos = reader.pointee.len
                pendingBytes = 0
                return piece.count - rest
            }
        }
        pendingBytes = unfinished
        if unfinished > 0 { try checkUnfinished() }
        return piece.count
    }

    /// Bytes that hiredis holds and has not read yet.
    private var unreadBytes: Int { reader.pointee.len - reader.pointee.pos }

    /// Starts over with a small buffer, into which the unread bytes are copied. Only to be called right after a
    /// complete reply.
    private func renew() {
        let old = reader
        reader = Self.makeReader(functions, for: assembler)
        let rest = unreadBytes(of: old)
        redisReaderFeed(reader, rest.baseAddress, rest.count)
        redisReaderFree(old)
        assembler.shrink()
    }
}

// MARK: - Limits and errors

extension ReplyReader {
    private func unreadBytes(of reader: UnsafeMutablePointer<redisReader>) -> UnsafeRawBufferPointer {
        let count = reader.pointee.len - reader.pointee.pos
        return UnsafeRawBufferPointer(start: reader.pointee.buf + reader.pointee.pos, count: count)
    }

    /// Refuses a reply that has exceeded a limit, or announces that it will.
    private func checkUnfinished() throws(ReplyError) {
        if pendingBytes > limits.maxReplyBytes { throw refused(.replyTooLarge(limit: limits.maxReplyBytes)) }
        let item = unreadBytes(of: reader)
        if hubrelay_item_type(reader) == REDIS_REPLY_STRING, let announced = announcedLength(item) {
            if let objection = assembler.objection(toStringOf: announced) { throw refused(objection) }
            guard announced <= limits.maxReplyBytes else {
                throw refused(.replyTooLarge(limit: limits.maxReplyBytes))
            }
        } else if item.count > limits.maxLineBytes {
            throw refused(.lineTooLong(limit: limits.maxLineBytes))
        }
    }

    /// The length at the head of a string that is not complete, `Int.max` if it does not fit; nil if the head has no
    /// line end yet, or is not a number.
    private func announcedLength(_ item: UnsafeRawBufferPointer) -> Int? {
        var length = 0
        for (index, character) in item.enumerated() {
            if character == UInt8(ascii: "\r") {
                let isEnd = index + 1 < item.count && item[index + 1] == UInt8(ascii: "\n")
                return isEnd ? length : nil
            }
            let digit = Int(character) - Int(UInt8(ascii: "0"))
            guard (0...9).contains(digit) else { return nil }
            let (tens, overflowed) = length.multipliedReportingOverflow(by: 10)
            guard !overflowed, tens <= Int.max - digit else { return .max }
            length = tens + digit
        }
        return nil
    }

    private func refused(_ error: ReplyError) -> ReplyError {
        failure = error
        pendingBytes = 0
        return error
    }

    /// The error after hiredis has given up, by itself or because the assembler told it to.
    private func ended() -> ReplyError {
        refused(assembler.failure ?? .malformed(hiredisError))
    }

    private var hiredisError: String {
        // A refused RESP3 value cannot report itself (see the shim), and hiredis takes the refusal for a lack of
        // memory.
        guard reader.pointee.err != REDIS_ERR_OOM else {
            return "out of memory, or a value of a type that RESP2 does not have"
        }
        return withUnsafeBytes(of: &reader.pointee.errstr) { text in
            RedisText.cleaned(UnsafeRawBufferPointer(rebasing: text.prefix { $0 != 0 }))
        }
    }
}
