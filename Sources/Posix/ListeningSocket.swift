internal import Glibc

/// Why no TCP listening socket could be made.
package enum ListeningSocketError: Error, Equatable, CustomStringConvertible {
    /// The host is neither a numeric IPv4 or IPv6 address nor "localhost".
    case notAnAddress(host: String)
    /// Another socket listens there (EADDRINUSE).
    case inUse(address: String)
    /// Any other refusal of the system.
    case system(address: String, operation: String, code: Int32)

    package var description: String {
        switch self {
        case .notAnAddress(let host):
            "cannot listen on '\(host)': give a numeric IPv4 or IPv6 address, or localhost"
        case .inUse(let address):
            "cannot listen on \(address): another process listens there; stop it, or choose another address by --http or HUBRELAY_HTTP"
        case .system(let address, let operation, let code):
            "cannot listen on \(address): \(operation): \(errorText(code))"
        }
    }
}

/// A TCP socket that listens: non-blocking and close-on-exec.
package struct ListeningSocket {
    /// The caller owns it from the start, and closes it.
    package let descriptor: Int32
    /// The port that it listens on. If port 0 was asked for, the kernel has chosen one.
    package let boundPort: UInt16

    /// Makes the kernel keep connections until something has been sent on them, for a second or so (tcp(7),
    /// TCP_DEFER_ACCEPT). Clients that only connect then take no place, and an accepted client has sent something.
    package func deferAccepting() {
        var seconds: Int32 = 1
        // If the kernel refuses it, connections are accepted at once, as usual.
        _ = setsockopt(
            descriptor, Int32(IPPROTO_TCP), TCP_DEFER_ACCEPT, &seconds, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Listens on a numeric IPv4 or IPv6 address (without brackets; a scope such as `%eth0` is allowed), or on
    /// "localhost", which is 127.0.0.1. SO_REUSEADDR is set, so that a restart need not wait for old connections.
    package static func tcp(
        host: String, port: UInt16, backlog: Int32 = 128
    ) throws(ListeningSocketError) -> ListeningSocket {
        let address = shown(host, port)
        let descriptor = try bound(host: host, port: port)
        let number = descriptor.number
        // Only listen(2) may find the port taken: two sockets with SO_REUSEADDR can both be bound to it.
        guard listen(number, backlog) == 0 else {
            throw errno == EADDRINUSE
                ? .inUse(address: address) : .system(address: address, operation: "listen", code: errno)
        }
        guard let boundPort = localPort(of: number) else {
            throw .system(address: address, operation: "getsockname", code: errno)
        }
        return ListeningSocket(descriptor: descriptor.take(), boundPort: boundPort)
    }

    /// Finds out whether an address could be listened on now, by binding a socket that never listens.
    /// - Throws: as `tcp`.
    package static func tryAddress(host: String, port: UInt16) throws(ListeningSocketError) {
        _ = try bound(host: host, port: port)
    }

    private static func shown(_ host: String, _ port: UInt16) -> String {
        let numeric = host == "localhost" ? "127.0.0.1" : host
        return numeric.contains(":") ? "[\(numeric)]:\(port)" : "\(numeric):\(port)"
    }

    /// A socket that is bound, but does not listen.
    private static func bound(host: String, port: UInt16) throws(ListeningSocketError) -> Descriptor {
        let numeric = host == "localhost" ? "127.0.0.1" : host
        let address = shown(host, port)
        // Only numeric addresses: a resolver at start-up would make the daemon depend on the network.
        guard
            !numeric.isEmpty,
            let info = try? AddressList.resolve(
                host: numeric, port: port, flags: AI_NUMERICHOST | AI_PASSIVE),
            let first = info.first
        else { throw .notAnAddress(host: host) }

        func failed(_ operation: String) -> ListeningSocketError {
            .system(address: address, operation: operation, code: errno)
        }
        let number = socket(first.pointee.ai_family, streamSocketType, 0)
        guard number >= 0 else { throw failed("socket") }
        let descriptor = Descriptor(owning: number)
        var on: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        guard setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &on, size) == 0 else { throw failed("setsockopt") }
        guard Glibc.bind(number, first.pointee.ai_addr, first.pointee.ai_addrlen) == 0 else {
            throw errno == EADDRINUSE ? .inUse(address: address) : failed("bind")
        }
        return descriptor
    }

    private static func localPort(of descriptor: Int32) -> UInt16? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        guard result == 0 else { return nil }
        // The port is at the same place, in network order, in sockaddr_in and sockaddr_in6.
        return withUnsafeBytes(of: storage) { bytes in
            UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
        }
    }
}

/// The type of all our stream sockets: SOCK_STREAM, non-blocking and close-on-exec.
let streamSocketType =
    Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
