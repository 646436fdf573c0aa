import Glibc
import RESP
import RedisWire
import TestSupport

/// A blocking connection: it sends commands, and reads events with the reader.
final class RedisConnection {
    private let descriptor: Int32
    private let reading = Reading()
    private var taken = 0

    /// - Throws: `TestFailure` if it cannot connect.
    init(_ server: RedisServer) throws {
        guard case .unix(let path) = server.address else { throw TestFailure("not on a Unix socket") }
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var patience = timeval(tv_sec: Int(TestDeadline.patience), tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw TestFailure("connect: \(errno)") }
    }

    deinit { close(descriptor) }

    func send(_ arguments: [[UInt8]]) throws {
        let isWritten = RedisCommand.bytes(arguments).withUnsafeBytes {
            Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) == $0.count
        }
        guard isWritten else { throw TestFailure("send: \(errno)") }
    }

    func send(_ arguments: String...) throws { try send(arguments.map { Array($0.utf8) }) }

    /// The next event; waits for it.
    func next() throws -> Event {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while reading.events.count == taken {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { throw TestFailure("read: \(count), \(errno)") }
            try reading.feed(buffer[..<count])
        }
        defer { taken += 1 }
        return reading.events[taken]
    }
}
