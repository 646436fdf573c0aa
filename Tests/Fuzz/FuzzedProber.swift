internal import Glibc

/// A client of the HTTP side: what it has sent, what it has received, and what it has to receive.
final class FuzzedProber {
    private let descriptor: Int32
    private let rules: HTTPRules
    /// Written by the client, but not yet taken by the socket.
    private(set) var unsent: [UInt8] = []
    /// Sent, from the first unanswered request on.
    private var sent: [UInt8] = []
    /// Received, from the first unchecked answer on.
    private var received: [UInt8] = []
    private var wantsShutdown = false
    private var hasShutDown = false
    private var isDisconnected = false
    /// The server has closed.
    private(set) var isAtEnd = false
    /// While set, nothing is read.
    var isPaused = false { didSet { isVague = true } }
    /// The request that has come in part has got its "100 Continue".
    private var isContinued = false
    private(set) var answers = 0
    /// When it connected, or had its last answer.
    private(set) var since: UInt64
    /// Whether it is unknown here when its answers are written, or when its connection ends.
    private(set) var isVague = false
    /// Whether its last bytes may be answered in any way.
    private var isBeyond = false
    /// Whether its connection may end at any time, and whether it has to end.
    var mayEnd = false
    var mustEnd = false

    /// - Parameter descriptor: the client's end of a pair of sockets.
    init(descriptor: Int32, rules: HTTPRules, now: UInt64) {
        (self.descriptor, self.rules, since) = (descriptor, rules, now)
    }

    deinit { disconnect() }

    func disconnect() {
        if !isDisconnected { Glibc.close(descriptor) }
        (isDisconnected, isAtEnd, unsent) = (true, true, [])
    }

    func write(_ bytes: [UInt8]) { if !wantsShutdown { unsent += bytes } }

    /// Shuts down its write side, after what it has written.
    func shutDown() { (wantsShutdown, isVague, mayEnd) = (true, true, true) }

    /// Sends and reads what is possible.
    func pump() {
        while !unsent.isEmpty {
            let count = send(descriptor, unsent, unsent.count, Int32(MSG_NOSIGNAL))
            guard count > 0 else {
                if errno != EAGAIN { unsent = [] }
                break
            }
            sent += unsent[..<count]
            unsent.removeFirst(count)
        }
        // Done only once, because each shutdown is an event for the server.
        if wantsShutdown, !hasShutDown, !isDisconnected, unsent.isEmpty {
            shutdown(descriptor, Int32(SHUT_WR))
            hasShutDown = true
        }
        var buffer = [UInt8](repeating: 0, count: 4096)
        while !isAtEnd, !isPaused {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count < 0 && errno == EAGAIN { break }
            if count <= 0 { isAtEnd = true } else { received += buffer[..<count] }
        }
    }

    /// Called when the server has nothing to do. Checks that everything owed has come, and nothing else.
    func check(now: UInt64) {
        guard !isPaused else { return }
        while !mustEnd, !isBeyond, takeAnswer(now) {}
        precondition(areResponses(received[...], isCut: mayEnd), "what has come is no answer")
        if mustEnd { return precondition(isAtEnd, "the connection goes on") }
        guard !isBeyond, !mayEnd else { return }
        precondition(received.isEmpty && !isAtEnd, "an answer, or an end, that nothing has asked for")
    }

    /// - Returns: whether a request was answered, in which case there may be another one.
    private func takeAnswer(_ now: UInt64) -> Bool {
        switch PlainReading(sent[...]) {
        case .none: break
        case .head(let request, let bodyBytes):
            if request.expectsContinue { takeContinue(isDue: bodyBytes == 0) }
        case .endless: mustEnd = true
        case .beyond: (isBeyond, isVague) = (true, true)
        case .whole(let request, let size):
            if request.expectsContinue { takeContinue(isDue: false) }
            guard let response = PlainResponse(received[...]) else {
                precondition(mayEnd, "no answer")
                return false
            }
            let length = request.method == "HEAD" ? 0 : response.length
            guard received.count >= response.headSize + length else {
                precondition(mayEnd, "an answer in part")
                return false
            }
            rules.check(response, received[response.headSize...].prefix(length), to: request)
            sent.removeFirst(size)
            received.removeFirst(response.headSize + length)
            (isContinued, since) = (false, now)
            answers += 1
            let isLast = request.isLast || answers == rules.requestsPerConnection || response.status == 400
            precondition(response.isLast == isLast, "whether the connection goes on is not said right")
            mustEnd = isLast
            return true
        }
        return false
    }

    private func takeContinue(isDue: Bool) {
        let text = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)
        if !isContinued, received.starts(with: text) {
            received.removeFirst(text.count)
            isContinued = true
        }
        precondition(isContinued || !isDue || mayEnd, "no \"100 Continue\"")
    }
}
