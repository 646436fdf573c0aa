import Glibc

/// A plain socket, as another program would create it. It is closed when the value ends.
final class RawSocket {
    let number: Int32
    private var isOpen = true

    /// Takes ownership of an open descriptor.
    init(owning number: Int32) {
        precondition(number >= 0, "no descriptor: errno \(errno)")
        self.number = number
    }

    deinit { close() }

    convenience init(_ kind: __socket_type = SOCK_STREAM, family: Int32 = AF_UNIX) {
        self.init(owning: socket(family, Int32(kind.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0))
    }

    /// A socket that is bound to a path. A stream socket also listens.
    static func listening(at path: String, _ kind: __socket_type = SOCK_STREAM, backlog: Int32 = 16)
        -> RawSocket
    {
        let made = RawSocket(kind)
        precondition(withUnixAddress(path) { bind(made.number, $0, $1) } == 0, "bind: errno \(errno)")
        if kind == SOCK_STREAM { precondition(listen(made.number, backlog) == 0) }
        return made
    }

    /// Two connected Unix stream sockets.
    static func pair() -> (RawSocket, RawSocket) {
        var numbers: [Int32] = [-1, -1]
        precondition(
            socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &numbers) == 0)
        return (RawSocket(owning: numbers[0]), RawSocket(owning: numbers[1]))
    }

    /// The two ends of a pipe, closed on exec: the first is to read from, the second to write to.
    static func pipe() -> (RawSocket, RawSocket) {
        var numbers: [Int32] = [-1, -1]
        precondition(Glibc.pipe(&numbers) == 0)
        for number in numbers { precondition(fcntl(number, F_SETFD, FD_CLOEXEC) == 0) }
        return (RawSocket(owning: numbers[0]), RawSocket(owning: numbers[1]))
    }

    /// Connects to a path (connect(2)), and returns 0 or the errno.
    func connect(to path: String) -> Int32 {
        withUnixAddress(path) { Glibc.connect(number, $0, $1) } == 0 ? 0 : errno
    }

    /// Waits for a connection, at most 10 s, and accepts it.
    func accept() -> RawSocket {
        var watched = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
        precondition(poll(&watched, 1, 10_000) == 1, "nobody connected")
        return RawSocket(owning: Glibc.accept(number, nil, nil))
    }

    func setNonBlocking() { precondition(fcntl(number, F_SETFL, O_NONBLOCK) == 0) }

    @discardableResult
    func send(_ text: String) -> Int { Glibc.send(number, text, text.utf8.count, Int32(MSG_NOSIGNAL)) }

    /// The result of one recv(2).
    func receive() -> String {
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        let count = recv(number, &buffer, buffer.count, 0)
        return String(decoding: buffer[..<max(0, count)], as: UTF8.self)
    }

    func close() {
        guard isOpen else { return }
        // This also ends the connection for copies of the descriptor, which a program that another test starts has
        // until its exec.
        shutdown(number, Int32(SHUT_RDWR))
        Glibc.close(number)
        isOpen = false
    }
}

/// Connects to a path, and returns 0 or the errno.
func connectResult(_ path: String) -> Int32 { RawSocket().connect(to: path) }

/// Makes a `sockaddr_un`, independently of the code under test.
private func withUnixAddress<Result>(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result)
    -> Result
{
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    precondition(path.utf8.count < MemoryLayout.size(ofValue: address.sun_path))
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
}
