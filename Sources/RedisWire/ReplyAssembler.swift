internal import RESP
internal import CHiredis

/// Receives the calls of hiredis while it reads. Puts the elements together, and hands complete replies to the sink.
///
/// Each method returns whether the reading may go on. If not, either `failure` says why, or the sink has stopped it.
final class ReplyAssembler {
    /// The element at hand as hiredis describes it: its type, and its place in the array around it.
    typealias Element = UnsafePointer<redisReadTask>

    /// The kind of the outermost array that is being read.
    private enum Shape {
        /// No array is being read.
        case none
        /// The first element will decide. The array has announced this many elements.
        case undecided(elements: Int)
        case message(isSharded: Bool)
        case patternMessage
        case confirmation(SubscribeVerb)
        case tree
        /// The payload of a message that is an array: its values are counted and dropped.
        case oddPayload
    }

    /// Why the reading has ended; set once.
    private(set) var failure: ReplyError?
    /// Set by ``ReplyReader/stop()``.
    var stopped = false

    private let unmanagedSink: Unmanaged<ReplySink>
    private let limits: ReplyLimits
    private var shape = Shape.none
    private var names = NameBuffer()
    private var nameIsNil = false
    private var tree = TreeBuilder()
    private var oddPayload = DroppedArray()

    /// `sink` is not retained: the reader ensures that it lives.
    init(limits: ReplyLimits, sink: ReplySink) {
        self.limits = limits
        unmanagedSink = .passUnretained(sink)
    }

    /// Calls the sink without a retain and a release, which would be a fifth of the cost of a message here. The
    /// reader's `feed` keeps the sink alive.
    @inline(__always)
    private func tell(_ call: (ReplySink) -> Void) -> Bool {
        unmanagedSink._withUnsafeGuaranteedRef(call)
        return !stopped
    }

    /// Frees the memory that an unusually large reply took. Only to be called between replies.
    func shrink() { names.shrink() }

    /// A string, a status or an error.
    func string(_ task: Element, _ bytes: UnsafeRawBufferPointer) -> Bool {
        switch shape {
        case .message where task.pointee.type == REDIS_REPLY_STRING:
            guard task.pointee.idx == 2 else {
                names.keepFirst(bytes)
                return true
            }
            shape = .none
            return tell { $0.message(channel: names.first, payload: bytes) }
        case .patternMessage where task.pointee.type == REDIS_REPLY_STRING:
            switch task.pointee.idx {
            case 1: names.keepFirst(bytes)
            case 2: names.keepSecond(bytes)
            default:
                shape = .none
                return tell {
                    $0.patternMessage(pattern: names.first, channel: names.second, payload: bytes)
                }
            }
            return true
        case .confirmation where task.pointee.type == REDIS_REPLY_STRING && task.pointee.idx == 1:
            nameIsNil = false
            names.keepFirst(bytes)
            return true
        case .undecided(let elements) where task.pointee.type == REDIS_REPLY_STRING:
            if let word = PushWord(bytes) { return begin(word, elements: elements) }
            return value(.bulk([UInt8](bytes)), task)
        default:
            return otherString(task, bytes)
        }
    }

    /// An integer.
    func integer(_ task: Element, _ number: Int64) -> Bool {
        switch shape {
        case .none:
            return tell { $0.integer(number) }
        case .confirmation(let kind) where task.pointee.idx == 2 && number >= 0:
            shape = .none
            return tell { $0.confirmation(kind, name: nameIsNil ? nil : names.first, count: number) }
        default:
            return value(.integer(number), task)
        }
    }

    /// A nil in place of a string or of an array.
    func nilValue(_ task: Element) -> Bool {
        switch shape {
        case .confirmation(.unsubscribe) where task.pointee.idx == 1,
            .confirmation(.punsubscribe) where task.pointee.idx == 1,
            .confirmation(.sunsubscribe) where task.pointee.idx == 1:
            nameIsNil = true
            return true
        default:
            // RESP2 has a nil string and a nil array. hiredis 1.x also reads RESP3's nil, which has no type.
            guard task.pointee.type == REDIS_REPLY_STRING || task.pointee.type == REDIS_REPLY_ARRAY else {
                return failResp3()
            }
            return value(.nilValue, task)
        }
    }

    /// The head of an array; its elements follow.
    func array(_ task: Element, elements: Int) -> Bool {
        guard task.pointee.type == REDIS_REPLY_ARRAY else { return failResp3() }
        if isOddPayload(task) { return drop(arrayOf: elements) }
        if let objection = objection(toArrayOf: elements) { return fail(objection) }
        guard elements <= limits.maxElements else { return fail(.tooManyElements(limit: limits.maxElements)) }
        switch shape {
        case .none where elements == 0, .tree where elements == 0:
            return value(.array([]), task)
        case .none:
            shape = .undecided(elements: elements)
            return true
        case .undecided(let outer):
            shape = .tree
            tree.openArray(elements: outer)
            return array(task, elements: elements)
        case .tree:
            guard tree.depth < limits.maxDepth else { return fail(.tooDeep(limit: limits.maxDepth)) }
            tree.openArray(elements: elements)
            return true
        case .message, .patternMessage, .confirmation, .oddPayload:
            return fail(misfit("an array", task))
        }
    }
}

// MARK: - The rare ones

extension ReplyAssembler {
    /// Whether the value that is being read now is a reply of its own, and not inside of an array.
    var isOutermost: Bool { if case .none = shape { true } else { false } }

    private func objection(toArrayOf elements: Int) -> ReplyError? {
        let depth: Int
        switch shape {
        case .none: depth = 0
        case .undecided: depth = 1
        case .tree: depth = tree.depth
        default: return nil
        }
        let reason = unmanagedSink._withUnsafeGuaranteedRef { $0.objection(toArrayOf: elements, depth: depth) }
        return reason.map { .outOfPlace("an unexpected array of \(elements) elements: \($0)") }
    }

    /// Why a string of so many bytes, which is not complete, cannot come now; nil if it can.
    func objection(toStringOf bytes: Int) -> ReplyError? {
        guard isOutermost else { return nil }
        let reason = unmanagedSink._withUnsafeGuaranteedRef { $0.objectionToString() }
        return reason.map { .outOfPlace("an unexpected string of \(bytes) bytes: \($0)") }
    }

    /// Statuses and errors, and strings where nothing special is expected.
    @inline(never)
    private func otherString(_ task: Element, _ bytes: UnsafeRawBufferPointer) -> Bool {
        if case .oddPayload = shape { return dropValue() }
        return switch task.pointee.type {
        case REDIS_REPLY_STRING: value(.bulk([UInt8](bytes)), task)
        case REDIS_REPLY_STATUS: value(.status(RedisText.cleaned(bytes)), task)
        case REDIS_REPLY_ERROR: value(.error(RedisText.cleaned(bytes)), task)
        default: failResp3()
        }
    }

    /// Sets the shape that the first element of an array announces, if the array has the right length for it.
    private func begin(_ word: PushWord, elements: Int) -> Bool {
        guard elements == word.elements else {
            return fail(.unexpectedPush("\(word.text) with \(elements) elements, not \(word.elements)"))
        }
        switch word {
        case .message: shape = .message(isSharded: false)
        case .shardMessage: shape = .message(isSharded: true)
        case .patternMessage: shape = .patternMessage
        case .confirmation(let kind): shape = .confirmation(kind)
        }
        return true
    }

    /// A value outside the shapes that are handled without allocation: a reply of its own, or part of a tree.
    private func value(_ value: RedisValue, _ task: Element) -> Bool {
        switch shape {
        case .none:
            return tell { $0.reply(value) }
        case .undecided(let elements):
            shape = .tree
            tree.openArray(elements: elements)
            fallthrough
        case .tree:
            var root: RedisValue?
            guard tree.append(value, maxValues: limits.maxValues, root: &root) else {
                return fail(.tooManyElements(limit: limits.maxValues))
            }
            guard let root else { return true }
            shape = .none
            return tell { $0.reply(root) }
        case .oddPayload:
            return dropValue()
        case .message, .patternMessage, .confirmation:
            guard isOddPayload(task) else { return fail(misfit(nameOfKind(value), task)) }
            shape = .none
            return tell { $0.oddMessage() }
        }
    }

    /// Whether this is the payload of a message, or part of it, although it is not a string. Redis sends such messages
    /// when any client turns CLIENT TRACKING on and redirects it to our connection: nil for a flush, else an array of
    /// keys. No app of this relay subscribes to them, and no client must be able to end our link by them.
    private func isOddPayload(_ task: Element) -> Bool {
        switch shape {
        case .message: task.pointee.idx == 2
        case .patternMessage: task.pointee.idx == 3
        case .oddPayload: true
        case .none, .undecided, .confirmation, .tree: false
        }
    }

    /// The head of an array in a message's payload. It may announce more than another array may, because nothing of it
    /// is kept.
    private func drop(arrayOf elements: Int) -> Bool {
        if elements == 0, case .oddPayload = shape { return dropValue() }
        guard elements <= limits.maxValues else { return fail(.tooManyElements(limit: limits.maxValues)) }
        guard oddPayload.depth + 1 < limits.maxDepth else { return fail(.tooDeep(limit: limits.maxDepth)) }
        shape = .oddPayload
        guard elements > 0 else { return oddPayloadEnded() }
        oddPayload.open(elements)
        return true
    }

    /// A value in a message's payload.
    private func dropValue() -> Bool {
        guard oddPayload.dropValue(maxValues: limits.maxValues) else {
            return fail(.tooManyElements(limit: limits.maxValues))
        }
        return oddPayload.depth > 0 || oddPayloadEnded()
    }

    private func oddPayloadEnded() -> Bool {
        shape = .none
        oddPayload = DroppedArray()
        return tell { $0.oddMessage() }
    }

    private func misfit(_ found: String, _ task: Element) -> ReplyError {
        let word: PushWord? =
            switch shape {
            case .message(let isSharded): isSharded ? .shardMessage : .message
            case .patternMessage: .patternMessage
            case .confirmation(let kind): .confirmation(kind)
            case .none, .undecided, .tree, .oddPayload: nil
            }
        return .unexpectedPush("\(word?.text ?? "array") with \(found) as element \(task.pointee.idx)")
    }

    private func nameOfKind(_ value: RedisValue) -> String {
        switch value {
        case .integer: "an integer"
        case .status: "a status"
        case .error: "an error"
        case .bulk: "a string"
        case .nilValue: "nil"
        case .array: "an array"
        }
    }

    private func failResp3() -> Bool {
        fail(.malformed("a value of a type that RESP2 does not have"))
    }

    private func fail(_ error: ReplyError) -> Bool {
        failure = failure ?? error
        return false
    }
}
