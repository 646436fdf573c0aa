/// A client of the relay that does exactly what a test asks for, frame by frame or byte by byte.
///
/// `next`, and the functions that use it, take frames in the order in which the relay wrote them. `request` waits for
/// one Reply and puts aside the frames that come before it, and `next` returns those first. Not for use by two threads
/// at once.
package final class TestConnection {
    package let socket: TestSocket
    /// The relay's answer to Hello. It is empty before that.
    package private(set) var welcome = HubrelayWelcome()
    /// The last Status. It comes from the Welcome, or from a Status frame that `next` or `request` has read.
    package private(set) var status = HubrelayStatus()

    private var received: [UInt8] = []
    private var consumed = 0
    private var putAside: [HubrelayRelayFrame] = []
    private var lastID: UInt64 = 1_000_000

    /// Connects and sends nothing.
    /// - Throws: `TestFailure` when nobody listens at `path`.
    package init(path: String) throws {
        socket = try TestSocket(unix: path)
    }

    // MARK: Writing

    package func send(_ frames: HubrelayClientFrame...) throws {
        try socket.write(frames.flatMap { $0.bytes })
    }

    package func send(raw bytes: [UInt8]) throws {
        try socket.write(bytes)
    }

    /// Sends Hello and takes the Welcome.
    /// - Throws: `TestFailure` when anything else comes.
    package func hello(version: UInt32 = 1, name: String = "test", line: UInt = #line) throws {
        try send(.hello(version: version, name: name))
        try expectWelcome(line: line)
    }

    // MARK: Reading

    /// The next frame.
    /// - Throws: `TestFailure` when none came within `seconds`, or the stream ended.
    package func next(
        within seconds: Double = TestDeadline.patience, line: UInt = #line
    ) throws -> HubrelayRelayFrame {
        guard let frame = try nextIfAny(within: seconds, line: line) else {
            throw TestFailure(
                "line \(line): no frame " + (socket.atEnd ? "but the end" : "within \(seconds) s"))
        }
        return frame
    }

    /// The next frame; nil if none came within `seconds` (0: if none has arrived yet), or if the stream ended.
    /// - Throws: `TestFailure` for bytes that are not a frame, or for a broken connection.
    package func nextIfAny(within seconds: Double, line: UInt = #line) throws -> HubrelayRelayFrame? {
        if !putAside.isEmpty { return putAside.removeFirst() }
        return try nextFromSocket(within: seconds, line: line)
    }

    /// Takes frames until one is `wanted`, and returns all of them. The wanted frame is the last.
    /// - Throws: `TestFailure` when the wanted frame did not come within `seconds`.
    package func collect(
        _ what: String, within seconds: Double = TestDeadline.patience, line: UInt = #line,
        until wanted: (HubrelayRelayFrame) throws -> Bool
    ) throws -> [HubrelayRelayFrame] {
        let deadline = TestDeadline(within: seconds)
        var frames: [HubrelayRelayFrame] = []
        while true {
            let left = Double(deadline.remainingMilliseconds) / 1000
            guard let frame = try nextIfAny(within: left, line: line) else {
                let last = frames.suffix(3).map(\.summary)
                throw TestFailure("line \(line): no \(what) after \(frames.count) frames, the last \(last)")
            }
            frames.append(frame)
            if try wanted(frame) { return frames }
        }
    }

    /// Waits for the end of the stream.
    /// - Throws: `TestFailure` if a frame comes, or if the stream does not end within `seconds`.
    package func expectEnd(within seconds: Double = TestDeadline.patience, line: UInt = #line) throws {
        if let frame = try nextIfAny(within: seconds, line: line) {
            throw TestFailure("line \(line): expected the end, got \(frame.summary)")
        }
        guard socket.atEnd else {
            throw TestFailure("line \(line): no end of the stream within \(seconds) s")
        }
        guard consumed == received.count else {
            throw TestFailure("line \(line): the stream ended inside a frame")
        }
    }

    // MARK: Requests

    /// An id that no request of this connection has had.
    package func newID() -> UInt64 {
        lastID += 1
        return lastID
    }

    /// Sends a request and waits for its Reply; frames that come before it are put aside for `next`.
    /// - Throws: `TestFailure` when the Reply does not come.
    package func request(
        _ frame: HubrelayClientFrame, id: UInt64, within seconds: Double = TestDeadline.patience,
        line: UInt = #line
    ) throws -> HubrelayReply {
        try send(frame)
        return try replyPuttingAside(id: id, within: seconds, line: line)
    }

    /// Waits for the Reply with this id; frames that come before it are put aside for `next`.
    package func replyPuttingAside(
        id: UInt64, within seconds: Double = TestDeadline.patience, line: UInt = #line
    ) throws -> HubrelayReply {
        let deadline = TestDeadline(within: seconds)
        while true {
            let left = Double(deadline.remainingMilliseconds) / 1000
            guard let frame = try nextFromSocket(within: left, line: line) else {
                let aside = putAside.suffix(3).map(\.summary)
                throw TestFailure(
                    "line \(line): no Reply \(id), but \(putAside.count) other frames: \(aside)")
            }
            if case .reply(let reply) = frame.frame, reply.id == id { return reply }
            putAside.append(frame)
        }
    }

    // MARK: Bytes to frames

    private func nextFromSocket(within seconds: Double, line: UInt) throws -> HubrelayRelayFrame? {
        let deadline = TestDeadline(within: seconds)
        while true {
            if let frame = try takeFrame(line: line) {
                note(frame)
                return frame
            }
            let left = Double(deadline.remainingMilliseconds) / 1000
            guard let bytes = try socket.read(within: left), !bytes.isEmpty else { return nil }
            if consumed > 0 {
                received.removeFirst(consumed)
                consumed = 0
            }
            received += bytes
        }
    }

    private func takeFrame(line: UInt) throws -> HubrelayRelayFrame? {
        guard received.count - consumed >= 4 else { return nil }
        let length = received[consumed..<consumed + 4].reduce(0) { $0 << 8 | Int($1) }
        guard received.count - consumed >= 4 + length else { return nil }
        let body = received[consumed + 4..<consumed + 4 + length]
        consumed += 4 + length
        let frame = try HubrelayRelayFrame(body: body)
        guard frame.frame != nil else { throw TestFailure("line \(line): a frame of no known kind: \(body)") }
        return frame
    }

    private func note(_ frame: HubrelayRelayFrame) {
        switch frame.frame {
        case .welcome(let welcome):
            self.welcome = welcome
            status = welcome.status
        case .status(let status): self.status = status
        default: break
        }
    }
}
