internal import Glibc
internal import Synchronization

/// The type of every socket of the tests. It is not inherited: a child that holds a copy would hide the end of a
/// stream.
let streamType = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)

/// A Unix socket that a test itself listens on, or has only bound. A relay must not take it for its own.
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

    /// The next connection that waits to be accepted; nil if there is none now.
    package func accept() -> TestSocket? {
        let accepted = Glibc.accept(descriptor, nil, nil)
        guard accepted >= 0 else { return nil }
        _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
        _ = fcntl(accepted, F_SETFL, O_NONBLOCK)
        return TestSocket(owning: accepted)
    }

    /// The path stays, as it does when a process is killed.
    deinit { Glibc.close(descriptor) }
}

/// A port of the loopback for a server of a test. The port is free, and no outgoing connection gets it by chance. No
/// other call gets the same port, and no other process of tests does.
/// - Throws: `TestFailure` when no port is left.
package func freePort() throws -> UInt16 { try portBlocks.withLock { try $0.next() } }

private let portBlocks = Mutex(PortBlocks())

/// The ports below those that Linux uses for outgoing connections (net.ipv4.ip_local_port_range begins at 32768), in
/// blocks of a hundred. A process claims a block with a socket that has an abstract name. The kernel removes the name
/// when the process ends. `Tests/python/harness.py` does the same with the same names.
private struct PortBlocks {
    private static let numbers = 102..<322

    private var ports = 0..<0

    mutating func next() throws -> UInt16 {
        while true {
            for port in ports {
                ports = port + 1..<ports.upperBound
                let probe = Glibc.socket(AF_INET, streamType, 0)
                defer { Glibc.close(probe) }
                if withLoopbackAddress(UInt16(port), { bind(probe, $0, $1) }) == 0 { return UInt16(port) }
            }
            try claim()
        }
    }

    /// The socket stays open for as long as the process lives.
    private mutating func claim() throws {
        let descriptor = Glibc.socket(AF_UNIX, streamType, 0)
        for number in Self.numbers.shuffled() {
            var isMine = false
            try withUnixAddress("\0hubrelay-test-ports-\(number)") { isMine = bind(descriptor, $0, $1) == 0 }
            if isMine {
                ports = number * 100..<(number + 1) * 100
                return
            }
        }
        Glibc.close(descriptor)
        throw TestFailure("no free port between 10200 and 32199")
    }
}

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
