internal import Configuration
internal import Posix
internal import RelayCore

/// A blocking client of a relay's socket: connects, says Hello, then sends and receives whole frames.
///
/// Every failure is a sentence that ends the command.
struct RelayClient: ~Copyable {
    /// What the relay said of itself.
    private(set) var welcome = ReceivedFrame.Welcome()

    private let path: String
    /// Nanoseconds for each answer.
    private let timeout: UInt64
    private var transport: Transport
    private var splitter = FrameSplitter()
    private var received: [ReceivedFrame] = []
    private var consumed = 0

    /// Connects to the relay at `path` and takes its Welcome.
    ///
    /// - Throws: ``CommandFailure`` when no relay serves there, it does not answer in time, or it refuses us.
    static func connect(path: String, name: String, timeout: UInt64) throws(CommandFailure) -> RelayClient {
        let transport = try Transport.unix(
            path: path, timeout: timeout,
            hint: "is hubrelay serving there? Use --socket or HUBRELAY_SOCKET for another socket")
        var client = RelayClient(path: path, timeout: timeout, transport: transport)
        try client.greet(name)
        return client
    }

    private init(path: String, timeout: UInt64, transport: consuming Transport) {
        self.path = path
        self.timeout = timeout
        self.transport = transport
    }

    private mutating func greet(_ name: String) throws(CommandFailure) {
        try send(RequestFrames.hello(clientName: name))
        switch try next(before: deadline(), unanswered: "is it a hubrelay?") {
        case .welcome(let welcome) where welcome.version == protocolVersion: self.welcome = welcome
        case .error(let code, let detail): throw Self.turnedAway(code: code, detail: detail)
        default: throw .failed("\(path) doesn't speak version \(protocolVersion) of hubrelay's protocol")
        }
    }

    /// The deadline for the answer to what is sent now, on the monotonic clock.
    func deadline() -> UInt64 {
        Clock.monotonicNanoseconds() + timeout
    }

    /// Sends whole frames.
    ///
    /// - Throws: ``CommandFailure`` when the relay has gone or doesn't read in time.
    mutating func send(_ frame: [UInt8]) throws(CommandFailure) {
        do throws(CommandFailure) {
            try transport.write(frame, before: deadline())
        } catch {
            // A relay that has closed may have sent the reason before.
            while let frame = try? nextIfAny(before: Clock.monotonicNanoseconds()) {
                if case .error(let code, let detail) = frame {
                    throw Self.turnedAway(code: code, detail: detail)
                }
            }
            throw error
        }
    }

    /// The next frame, waiting for it until `deadline`.
    ///
    /// - Parameter unanswered: what it means if no answer comes, for the sentence that reports it.
    /// - Throws: ``CommandFailure`` when no frame comes in time, the relay has gone, or it does not send frames.
    mutating func next(before deadline: UInt64, unanswered: String) throws(CommandFailure) -> ReceivedFrame {
        guard let frame = try nextIfAny(before: deadline) else {
            throw .failed("no answer from \(path) within \(formatDuration(timeout)): \(unanswered)")
        }
        return frame
    }

    /// The next frame, or nil if none comes before `deadline`.
    ///
    /// - Throws: ``CommandFailure`` when the relay has gone, or it does not send frames.
    mutating func nextIfAny(before deadline: UInt64) throws(CommandFailure) -> ReceivedFrame? {
        while consumed == received.count {
            received.removeAll(keepingCapacity: true)
            consumed = 0
            guard let bytes = try transport.read(before: deadline) else { return nil }
            guard !bytes.isEmpty else { throw .failed("the relay at \(path) has closed the connection") }
            try decode(bytes)
        }
        defer { consumed += 1 }
        return received[consumed]
    }

    /// An Error frame as the end of the command.
    static func turnedAway(code: UInt64, detail: String) -> CommandFailure {
        let label = UInt8(exactly: code).flatMap(ErrorCode.init(rawValue:))?.label ?? "code \(code)"
        let text = detail.isEmpty ? "" : ": \(escaped(detail, quotes: false))"
        return .failed("the relay has ended the connection (\(label))\(text)")
    }

    private mutating func decode(_ bytes: [UInt8]) throws(CommandFailure) {
        var frames: [ReceivedFrame] = []
        var isMalformed = false
        do throws(FrameSplitter.Violation) {
            try bytes.withUnsafeBufferPointer { (buffer) throws(FrameSplitter.Violation) in
                let bytes = UnsafeRawBufferPointer(buffer)
                try splitter.feed(bytes, limit: { Self.maxFrameBytes }) { body in
                    do throws(WireError) {
                        frames.append(try ReceivedFrame.decode(body))
                    } catch {
                        isMalformed = true
                    }
                    return isMalformed ? .stop : .goOn
                }
            }
        } catch {
            isMalformed = true
        }
        guard !isMalformed else { throw .failed("the server at \(path) does not speak hubrelay's protocol") }
        received += frames
    }

    /// The longest frame that a relay sends: the largest `--max-payload`, and what a frame adds.
    private static var maxFrameBytes: Int { 64 << 20 }
}
