internal import Glibc

/// A client socket for the small commands. It blocks, but never longer than it is allowed to. Deadlines are in
/// nanoseconds of `Clock.monotonicNanoseconds()`.
package struct BlockingConnection: ~Copyable {
    private let descriptor: Descriptor

    private init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

    /// Connects to a Unix socket.
    /// - Parameter timeout: nanoseconds.
    /// - Throws: `SystemError`: ENAMETOOLONG, ETIMEDOUT, or what connect(2) says.
    package static func unix(path: String, timeout: UInt64) throws(SystemError) -> BlockingConnection {
        let operation = "connect to \(path)"
        guard let address = UnixAddress(path: path) else {
            throw SystemError(operation: operation, code: ENAMETOOLONG)
        }
        let number = socket(AF_UNIX, streamSocketType, 0)
        guard number >= 0 else { throw .last(operation) }
        let descriptor = Descriptor(owning: number)
        let result = address.withSocketAddress { name, length in
            retrying { connect(descriptor.number, name, length) }
        }
        try finishConnecting(descriptor.number, result, operation, timeout)
        return BlockingConnection(descriptor)
    }

    /// Connects to a numeric address, or to "localhost", which is 127.0.0.1.
    /// - Parameter timeout: nanoseconds.
    /// - Throws: `SystemError`: EINVAL for a host that is not an address, ETIMEDOUT, or what connect(2) says.
    package static func tcp(
        host: String, port: UInt16, timeout: UInt64
    ) throws(SystemError) -> BlockingConnection {
        let operation = "connect to \(host):\(port)"
        let numeric = host == "localhost" ? "127.0.0.1" : host
        guard let list = try? AddressList.resolve(host: numeric, port: port, flags: AI_NUMERICHOST),
            let first = list.first
        else { throw SystemError(operation: operation, code: EINVAL) }
        let number = socket(first.pointee.ai_family, streamSocketType, 0)
        guard number >= 0 else { throw .last(operation) }
        let descriptor = Descriptor(owning: number)
        let result = retrying { connect(descriptor.number, first.pointee.ai_addr, first.pointee.ai_addrlen) }
        try finishConnecting(descriptor.number, result, operation, timeout)
        return BlockingConnection(descriptor)
    }

    /// Connects to a socket address of TCP.
    /// - Parameters:
    ///   - bytes: a `sockaddr_in` or `sockaddr_in6`. More bytes may follow it.
    ///   - shown: the address, for people.
    ///   - timeout: nanoseconds.
    /// - Throws: `SystemError`: EINVAL for other bytes, ETIMEDOUT, or what connect(2) says.
    package static func address(
        _ bytes: [UInt8], shown: String, timeout: UInt64
    ) throws(SystemError) -> BlockingConnection {
        let operation = "connect to \(shown)"
        var storage = sockaddr_storage()
        withUnsafeMutableBytes(of: &storage) { $0.copyBytes(from: bytes.prefix($0.count)) }
        let isIPv6 = Int32(storage.ss_family) == AF_INET6
        guard isIPv6 || Int32(storage.ss_family) == AF_INET else {
            throw SystemError(operation: operation, code: EINVAL)
        }
        let length = isIPv6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size
        let number = socket(Int32(storage.ss_family), streamSocketType, 0)
        guard number >= 0 else { throw .last(operation) }
        let descriptor = Descriptor(owning: number)
        let result = withUnsafePointer(to: storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                retrying { connect(descriptor.number, address, socklen_t(length)) }
            }
        }
        try finishConnecting(descriptor.number, result, operation, timeout)
        return BlockingConnection(descriptor)
    }

    private static func finishConnecting(
        _ number: Int32, _ result: Int32, _ operation: String, _ timeout: UInt64
    ) throws(SystemError) {
        guard result != 0 else { return }
        // If the backlog of a Unix socket is full, connect(2) fails with EAGAIN, and does not go on by itself.
        guard errno == EINPROGRESS else { throw .last(operation) }
        guard wait(number, for: POLLOUT, until: Clock.monotonicNanoseconds() &+ timeout) else {
            throw SystemError(operation: operation, code: ETIMEDOUT)
        }
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(number, SOL_SOCKET, SO_ERROR, &code, &length)
        guard code == 0 else { throw SystemError(operation: operation, code: code) }
    }

    /// The process that called listen(2) for the Unix socket at the other end (unix(7), SO_PEERCRED).
    borrowing func peer() throws(SystemError) -> PeerCredentials {
        try PeerCredentials(descriptor: descriptor.number)
    }

    /// Sends everything.
    /// - Throws: `SystemError`: ETIMEDOUT when the peer does not take it in time, or what send(2) says.
    package mutating func write(_ bytes: [UInt8], deadline: UInt64) throws(SystemError) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { all in
                retrying {
                    send(descriptor.number, all.baseAddress! + sent, all.count - sent, Int32(MSG_NOSIGNAL))
                }
            }
            if count >= 0 {
                sent += count
            } else {
                guard errno == EAGAIN else { throw .last("send") }
                guard Self.wait(descriptor.number, for: POLLOUT, until: deadline) else {
                    throw SystemError(operation: "send", code: ETIMEDOUT)
                }
            }
        }
    }

    /// What has come: at least one byte, or none at the end of the stream; nil if nothing came before the deadline.
    /// With nil as the deadline it waits for ever.
    /// - Throws: `SystemError`: EINTR when a signal came, or what recv(2) says.
    package mutating func read(deadline: UInt64?) throws(SystemError) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = recv(descriptor.number, &buffer, buffer.count, 0)
            if count >= 0 { return Array(buffer[..<count]) }
            guard errno == EAGAIN else { throw .last("receive") }
            var one = pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)
            let result = poll(&one, 1, Self.milliseconds(until: deadline))
            if result == 0, deadline != nil { return nil }
            if result < 0 { throw .last("receive") }
        }
    }

    private static func wait(_ number: Int32, for events: Int32, until deadline: UInt64) -> Bool {
        var one = pollfd(fd: number, events: Int16(events), revents: 0)
        return retrying { poll(&one, 1, milliseconds(until: deadline)) } > 0
    }

    private static func milliseconds(until deadline: UInt64?) -> Int32 {
        guard let deadline else { return -1 }
        let now = Clock.monotonicNanoseconds()
        return deadline > now ? Int32(clamping: (deadline - now) / 1_000_000 + 1) : 0
    }
}

/// The process that listens at the path of a Unix socket: the one that called listen(2), by its pid as seen from here.
/// nil if nobody listens, or only a process in another pid namespace. Never waits: a Unix socket connects at once or
/// not at all.
package func listeningProcess(at path: String) -> Int32? {
    guard let peer = try? BlockingConnection.unix(path: path, timeout: 0).peer(), peer.pid > 0 else { return nil }
    return peer.pid
}
