internal import Glibc
internal import Synchronization

/// The kind of every socket of the tests. Not inherited: a child that held one open would hide the end of a stream.
let streamType = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)

/// A Unix socket that a test itself listens on, or only has bound: what a relay must not take for its own.
package final class UnixListener: Sendable {
    let descriptor: Int32

    /// - Throws: `TestFailure` when `path` exists or is too long.
    package init(_ path: String, listening: Bool = true) throws {
        descriptor = Glibc.socket(AF_UNIX, streamType, 0)
        try withUnixAddress(path) { address, length in
            guard bind(descriptor, address, length) == 0 else {
                throw TestFailure("bind \(path): \(errnoText())")
            }
        }
        if listening { listen(descriptor, 5) }
    }

    /// The next connection that waits to be taken, nil when there is none now.
    package func accept() -> TestSocket? {
        let accepted = Glibc.accept(descriptor, nil, nil)
        guard accepted >= 0 else { return nil }
        _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
        _ = fcntl(accepted, F_SETFL, O_NONBLOCK)
        return TestSocket(owning: accepted)
    }

    /// The path stays: that is what a process leaves behind that was killed.
    deinit { Glibc.close(descriptor) }
}

/// A port of the loopback on which nobody listens at the moment.
/// - Throws: `TestFailure` when the kernel gives none.
package func freePort() throws -> UInt16 {
    let descriptor = Glibc.socket(AF_INET, streamType, 0)
    defer { Glibc.close(descriptor) }
    return try withLoopbackAddress(0) { address, length in
        guard bind(descriptor, address, length) == 0 else { throw TestFailure("bind: \(errnoText())") }
        var bound = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutablePointer(to: &bound) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
        }
        return bound.sin_port.byteSwapped
    }
}

/// A port of the loopback on which nobody listens, and which no outgoing connection gets by chance: for servers that are
/// to come back at the same one, and for many at a time. No two calls give the same.
/// - Throws: `TestFailure` when none is left.
func serverPort() throws -> UInt16 {
    for _ in 0..<1000 {
        // Below what Linux gives to outgoing connections (net.ipv4.ip_local_port_range begins at 32768).
        let port = UInt16(10_240 + nextServerPort.add(1, ordering: .relaxed).newValue % 22_000)
        let descriptor = Glibc.socket(AF_INET, streamType, 0)
        defer { Glibc.close(descriptor) }
        if withLoopbackAddress(port, { bind(descriptor, $0, $1) }) == 0 { return port }
    }
    throw TestFailure("no free port")
}

/// Where another process of tests is unlikely to be.
private let nextServerPort = Atomic(Int.random(in: 0..<22_000))

func withUnixAddress(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) throws -> Void) throws {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
        throw TestFailure("too long for a Unix socket: \(path)")
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    try withUnsafePointer(to: &address) {
        try $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            try body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
}

func withLoopbackAddress<Result>(
    _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) throws -> Result
) rethrows -> Result {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.byteSwapped
    address.sin_addr.s_addr = UInt32(0x7f00_0001).byteSwapped
    return try withUnsafePointer(to: &address) {
        try $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            try body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
}
