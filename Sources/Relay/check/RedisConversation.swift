internal import Configuration
internal import Posix
internal import RESP
internal import RedisWire
internal import RelayCore
internal import TLS

/// A blocking connection to Redis that waits for each answer. It is for a trial, not for a relay.
final class RedisConversation: ReplySink {
    /// One answer or message of the server.
    enum Answer: Equatable {
        case value(RedisValue)
        case confirmed(SubscribeVerb)
        /// A message on a channel.
        case message([UInt8])
    }

    private var connection: BlockingConnection
    private var session: TLSSession?
    private var reader: ReplyReader?
    private var answers: [Answer] = []
    /// Nanoseconds for each answer.
    private let timeout: UInt64

    /// Connects, and does the TLS handshake if TLS is used.
    /// - Parameters:
    ///   - timings: how long connecting, the handshake and each answer may take.
    ///   - serverName: the name that the server's certificate must be for.
    /// - Throws: ``LinkFailure``, the same as for a link of a relay.
    init(
        _ destination: Destination, tls: TLSContext?, serverName: String, timings: Timings
    ) throws(LinkFailure) {
        timeout = timings.linkTimeout
        do throws(SystemError) {
            switch (destination.endpoint, destination.address) {
            case (.unix(let path), _): connection = try .unix(path: path, timeout: timings.connectTimeout)
            case (.tcp, let address?):
                connection = try .address(
                    address, shown: "\(destination.endpoint)", timeout: timings.connectTimeout)
            case (.tcp(let host, let port), nil):
                connection = try .tcp(host: host, port: port, timeout: timings.connectTimeout)
            }
        } catch {
            throw LinkFailure(cause: .unreachable, reason: "\(error)")
        }
        super.init()
        reader = ReplyReader(limits: .ofClusterSlots, sink: self)
        if let tls { try secure(tls, serverName, timings.connectTimeout) }
    }

    /// The TLS version, such as "TLSv1.3"; nil without TLS.
    var tlsVersion: String? { session?.version }

    /// Sends a command and waits for its answer. Messages that come before the answer are kept for `hear`.
    /// - Throws: ``LinkFailure`` if no answer comes in time, or if the server ends the connection.
    func ask(_ words: [String]) throws(LinkFailure) -> Answer {
        try send(RedisCommand.bytes(words))
        let deadline = Clock.monotonicNanoseconds() + timeout
        while true {
            if let place = answers.firstIndex(where: { if case .message = $0 { false } else { true } }) {
                return answers.remove(at: place)
            }
            try read(before: deadline, "the reply to \(words[0])")
        }
    }

    /// Waits for a message on a channel.
    /// - Throws: ``LinkFailure`` as `ask` does.
    func hear(_ channel: String) throws(LinkFailure) {
        let deadline = Clock.monotonicNanoseconds() + timeout
        while !answers.contains(.message(Array(channel.utf8))) {
            try read(before: deadline, "the published message")
        }
        answers.removeAll { $0 == .message(Array(channel.utf8)) }
    }

    // MARK: Bytes

    private func secure(_ context: TLSContext, _ serverName: String, _ timeout: UInt64) throws(LinkFailure) {
        do throws(TLSError) {
            let session = try TLSSession(context: context, serverName: serverName)
            self.session = session
            try session.startHandshake()
        } catch {
            throw LinkFailure(error)
        }
        let deadline = Clock.monotonicNanoseconds() + timeout
        try flush()
        while let session, !session.isEstablished {
            guard try readSome(before: deadline) else { throw LinkFailure(session.timeOut()) }
        }
    }

    private func send(_ bytes: [UInt8]) throws(LinkFailure) {
        guard let session else { return try write(bytes) }
        var failure: TLSError?
        bytes.withUnsafeBytes { bytes in
            do throws(TLSError) { try session.send(bytes) } catch { failure = error }
        }
        if let failure { throw LinkFailure(failure) }
        try flush()
    }

    /// Writes the output of the TLS session.
    private func flush() throws(LinkFailure) {
        var output: [UInt8] = []
        session?.takeOutput { bytes in
            output = Array(bytes)
            return 0
        }
        if !output.isEmpty { try write(output) }
    }

    private func write(_ bytes: [UInt8]) throws(LinkFailure) {
        do throws(SystemError) {
            try connection.write(bytes, deadline: Clock.monotonicNanoseconds() + timeout)
        } catch {
            throw LinkFailure(cause: .closed, reason: "\(error)")
        }
    }

    private func read(before deadline: UInt64, _ what: String) throws(LinkFailure) {
        // The deadline holds even if the server sends other data without end.
        guard Clock.monotonicNanoseconds() < deadline, try readSome(before: deadline) else {
            throw LinkFailure(cause: .timeout, reason: "\(what) has not come within \(timeout / 1_000_000) ms")
        }
    }

    /// - Returns: false when nothing came in time.
    private func readSome(before deadline: UInt64) throws(LinkFailure) -> Bool {
        let bytes: [UInt8]?
        do throws(SystemError) { bytes = try connection.read(deadline: deadline) } catch {
            throw LinkFailure(cause: .closed, reason: "\(error)")
        }
        guard let bytes else { return false }
        guard !bytes.isEmpty else {
            if let session { throw LinkFailure(session.end()) }
            throw LinkFailure(cause: .closed, reason: "the server closed the connection")
        }
        try take(bytes)
        return true
    }

    private func take(_ bytes: [UInt8]) throws(LinkFailure) {
        guard let session else { return try feed(bytes) }
        var plaintext: [UInt8] = []
        var failure: TLSError?
        bytes.withUnsafeBytes { bytes in
            do throws(TLSError) { try session.receive(bytes) { plaintext += $0 } } catch { failure = error }
        }
        try feed(plaintext)
        // Sends, among other things, the alert that reports a failure.
        try flush()
        if let failure { throw LinkFailure(failure) }
    }

    private func feed(_ bytes: [UInt8]) throws(LinkFailure) {
        var failure: ReplyError?
        bytes.withUnsafeBytes { bytes in
            do throws(ReplyError) { try reader?.feed(bytes) } catch { failure = error }
        }
        if let failure { throw LinkFailure(cause: .protocolError, reason: "\(failure)") }
    }

    // MARK: Replies

    override func message(channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer) {
        answers.append(.message(Array(channel)))
    }

    override func confirmation(_ verb: SubscribeVerb, name: UnsafeRawBufferPointer?, count: Int64) {
        answers.append(.confirmed(verb))
    }

    override func integer(_ value: Int64) { answers.append(.value(.integer(value))) }
    override func reply(_ value: RedisValue) { answers.append(.value(value)) }
}
