import Glibc

/// An answer as it came, parsed by a few lines of the test's own.
struct HTTPResponse: Equatable {
    let status: Int
    /// By lower-case name.
    let headers: [String: String]
    let body: String
}

/// A client connection that never blocks.
final class HTTPClient {
    let descriptor: Int32
    private(set) var responses: [HTTPResponse] = []
    /// The server has closed.
    private(set) var isAtEnd = false
    /// While this is set, nothing is read: a slow client.
    var isPaused = false
    /// Whether the answers are to HEAD: they have a length, but no body.
    var expectsNoBody = false
    private var received: [UInt8] = []
    private static let kind =
        Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    private var isClosed = false

    init(path: String) {
        descriptor = socket(AF_UNIX, Self.kind, 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        connect(address)
    }

    init(port: UInt16) {
        descriptor = socket(AF_INET, Self.kind, 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        connect(address)
    }

    deinit { disconnect() }

    /// Closes the connection from this side.
    func disconnect() {
        if !isClosed {
            // The shutdown also ends copies of the descriptor, which a program started by another test has until exec.
            shutdown(descriptor, Int32(SHUT_RDWR))
            close(descriptor)
        }
        (isClosed, isAtEnd) = (true, true)
    }

    private func connect<Address>(_ address: Address) {
        let result = withUnsafeBytes(of: address) { bytes in
            Glibc.connect(
                descriptor, bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
        }
        precondition(result == 0 || errno == EINPROGRESS, "connect: errno \(errno)")
        // On loopback, TCP's handshake is done at once, even before the server accepts.
        var watched = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        precondition(poll(&watched, 1, 10_000) == 1)
    }

    /// Sends what the socket takes at once, and returns the number of bytes.
    @discardableResult
    func send(_ text: String) -> Int {
        Glibc.send(descriptor, text, text.utf8.count, Int32(MSG_NOSIGNAL))
    }

    func shutdownWriting() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Reads everything that is there.
    func receive() {
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while !isAtEnd && !isPaused {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count < 0 && errno == EAGAIN { break }
            if count <= 0 { isAtEnd = true } else { received += buffer[..<count] }
        }
        while let response = nextResponse() { responses.append(response) }
    }

    private func nextResponse() -> HTTPResponse? {
        let end = Array("\r\n\r\n".utf8)
        guard let split = received.indices.first(where: { received[$0...].starts(with: end) }) else {
            return nil
        }
        let lines = String(decoding: received[..<split], as: UTF8.self).split(separator: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            headers[parts[0].lowercased()] = String(parts[1].drop { $0 == " " })
        }
        let length = expectsNoBody ? 0 : Int(headers["content-length"] ?? "0")!
        let bodyStart = split + end.count
        guard received.count >= bodyStart + length else { return nil }
        let body = String(decoding: received[bodyStart..<bodyStart + length], as: UTF8.self)
        received.removeFirst(bodyStart + length)
        return HTTPResponse(status: Int(lines[0].split(separator: " ")[1])!, headers: headers, body: body)
    }
}
