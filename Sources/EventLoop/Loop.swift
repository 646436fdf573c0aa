internal import CLibuv

/// A libuv error: what was attempted, and why it failed.
public struct LoopError: Error, Equatable, CustomStringConvertible {
    package var operation: String
    /// A negative libuv code, the negated errno.
    package var code: Int32

    init(_ operation: String, _ code: Int32) { (self.operation, self.code) = (operation, code) }

    /// The kind of a connection's failure.
    package enum Kind { case timedOut, unreachable, other }

    package var kind: Kind {
        switch code {
        case Int32(UV_ETIMEDOUT.rawValue): .timedOut
        case Int32(UV_EHOSTUNREACH.rawValue), Int32(UV_ENETUNREACH.rawValue), Int32(UV_ENETDOWN.rawValue): .unreachable
        default: .other
        }
    }

    public var description: String { "\(operation): \(Self.text(code))" }

    /// The words for an error code of libuv.
    package static func text(_ code: Int32) -> String { String(cString: uv_strerror(code)) }
}

/// The one event loop of the process, on libuv. Everything made with a loop belongs to the thread that runs it.
public final class Loop {
    /// What one read takes at most, and the size of the buffer that all streams share.
    package static let readBufferBytes = 256 << 10

    let handle: UnsafeMutablePointer<uv_loop_t>
    /// Shared by all streams: bytes in it are valid until the read callback returns.
    package let readBuffer: UnsafeMutableRawBufferPointer
    /// How many turns have ended. A stream uses it to detect a second read in the same turn.
    fileprivate(set) var turn: UInt64 = 0
    /// Set while a timer's callback runs.
    var isCallingTimers = false
    private var turnEnd: TurnEnd?
    /// Something still uses the loop, so its memory must stay.
    private var isAbandoned = false

    /// - Throws: `LoopError` when the process has no descriptors left.
    package init() throws(LoopError) {
        handle = .allocate(capacity: 1)
        readBuffer = .allocate(byteCount: Self.readBufferBytes, alignment: 16)
        let code = uv_loop_init(handle)
        guard code == 0 else {
            handle.deallocate()
            readBuffer.deallocate()
            throw LoopError("event loop", code)
        }
        turnEnd = TurnEnd(loop: self) {}
    }

    deinit {
        guard !isAbandoned else { return }
        // Every handle retains itself until its close callback, so a loop that is not empty here has been abandoned.
        let code = uv_loop_close(handle)
        assert(code == 0, "the loop was dropped with open handles")
        handle.deallocate()
        readBuffer.deallocate()
    }

    /// Monotonic nanoseconds at the beginning of this turn, to the millisecond.
    package var now: UInt64 { uv_now(handle) * 1_000_000 }

    /// Calls `body` at the end of every turn, before the loop waits. To be called once, and not while the loop runs.
    package func onTurnEnd(_ body: @escaping () -> Void) {
        turnEnd?.close()
        turnEnd = TurnEnd(loop: self, body)
    }

    /// Runs until `stop` is called or nothing is left to wait for.
    package func run() { uv_run(handle, UV_RUN_DEFAULT) }

    /// Makes `run` return after the current turn.
    package func stop() { uv_stop(handle) }

    /// Closes what the loop itself has opened, and runs until every handle's close callback has been called. All
    /// other handles must have been closed by their owners.
    ///
    /// The lookup of a host name cannot be called back, and a resolver may take long. So after a second the loop is
    /// abandoned as it is, which is only for a process that is about to exit.
    /// - Returns: false if the loop was abandoned. An exit(3) would then still wait for the lookup, since libuv joins
    ///   its threads there. Only _exit(2) does not wait.
    @discardableResult
    package func drain() -> Bool {
        turnEnd?.close()
        turnEnd = nil
        var isOver = false
        let limit = Timer(loop: self) { [unowned self] in
            isOver = true
            stop()
        }
        limit.start(after: 1_000_000_000)
        limit.unreference()
        uv_run(handle, UV_RUN_DEFAULT)
        limit.close()
        isAbandoned = isOver
        uv_run(handle, isOver ? UV_RUN_NOWAIT : UV_RUN_DEFAULT)
        return !isAbandoned
    }
}

/// A libuv handle's memory and its tie to the Swift object that owns it. The handle keeps its owner alive from
/// `adopt` until its close callback, which is the only release.
struct HandleBox<Handle> {
    let pointer: UnsafeMutablePointer<Handle>

    init() { pointer = .allocate(capacity: 1) }

    var base: UnsafeMutablePointer<uv_handle_t> {
        UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: uv_handle_t.self)
    }

    /// To be called after a successful `uv_*_init`.
    func adopt(_ owner: AnyObject) { base.pointee.data = Unmanaged.passRetained(owner).toOpaque() }

    /// Closes the handle, if it is not closing already. `callback` has to free it and to release its owner.
    func close(_ callback: @escaping @convention(c) (UnsafeMutablePointer<uv_handle_t>?) -> Void) {
        guard uv_is_closing(base) == 0 else { return }
        uv_close(base, callback)
    }
}

/// The owner of a handle in a libuv callback. Not retained, because the handle retains it.
@inline(__always)
func owner<Owner: AnyObject>(of data: UnsafeMutableRawPointer?, as type: Owner.Type) -> Owner {
    Unmanaged<Owner>.fromOpaque(data.unsafelyUnwrapped).takeUnretainedValue()
}

/// Calls `body` with the owner of a handle, without a retain and a release. For callbacks that come with every message.
///
/// Invariant: the handle retains its owner until its close callback, and libuv calls that only after this callback has
/// returned, because nothing that the loop calls runs the loop.
@inline(__always)
func withOwner<Owner: AnyObject, Result>(
    of data: UnsafeMutableRawPointer?, as type: Owner.Type, _ body: (Owner) -> Result
) -> Result {
    Unmanaged<Owner>.fromOpaque(data.unsafelyUnwrapped)._withUnsafeGuaranteedRef(body)
}

/// Frees a closed handle, and releases its owner. For handles with nothing else to do after their close.
func releaseClosedHandle(_ handle: UnsafeMutablePointer<uv_handle_t>?) {
    guard let handle else { return }
    let data = handle.pointee.data
    UnsafeMutableRawPointer(handle).deallocate()
    Unmanaged<AnyObject>.fromOpaque(data.unsafelyUnwrapped).release()
}

/// The callback at the end of every turn, before the loop waits. Its references never change, so nothing has to be
/// retained for a call.
private final class TurnEnd {
    private let box = HandleBox<uv_prepare_t>()
    /// Invariant: a loop exists as long as it runs, and only the loop calls this.
    private let loop: Unmanaged<Loop>
    private let body: () -> Void

    init(loop: Loop, _ body: @escaping () -> Void) {
        (self.loop, self.body) = (.passUnretained(loop), body)
        uv_prepare_init(loop.handle, box.pointer)
        box.adopt(self)
        uv_prepare_start(box.pointer) { handle in
            withOwner(of: handle?.pointee.data, as: TurnEnd.self) {
                $0.loop._withUnsafeGuaranteedRef { $0.turn += 1 }
                $0.body()
            }
        }
        uv_unref(box.base)
    }

    func close() { box.close(releaseClosedHandle) }
}
