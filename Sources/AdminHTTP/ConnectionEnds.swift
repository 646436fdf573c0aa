internal import Glibc

/// From where to where a connection is, as far as it decides who asks.
struct ConnectionEnds: Equatable {
    /// The address of one end: 4 bytes of IPv4, also where they came in an IPv6 address, or 16 of IPv6; nil for a Unix socket.
    typealias Address = [UInt8]?

    var peer: Address
    var own: Address

    init(peer: Address, own: Address) { (self.peer, self.own) = (peer, own) }

    /// Nil when the kernel does not tell, as of a connection that has broken.
    init?(of descriptor: Int32) {
        guard let peer = Self.end(of: descriptor, getpeername), let own = Self.end(of: descriptor, getsockname) else {
            return nil
        }
        self.init(peer: peer, own: own)
    }

    /// Whether the other end is on this host: a Unix socket, a loopback address, or the very address that was asked, which no
    /// other host can have in a TCP connection.
    var isOfThisHost: Bool {
        guard let peer else { return true }
        if peer.count == 4 { return peer[0] == 127 || peer == own }
        return peer == [UInt8](repeating: 0, count: 15) + [1] || peer == own
    }

    private typealias Ask = (Int32, UnsafeMutablePointer<sockaddr>?, UnsafeMutablePointer<socklen_t>?) -> Int32

    private static func end(of descriptor: Int32, _ ask: Ask) -> Address? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutableBytes(of: &storage) { bytes in
            bytes.withMemoryRebound(to: sockaddr.self) { ask(descriptor, $0.baseAddress, &length) }
        }
        guard result == 0 else { return nil }
        return withUnsafeBytes(of: storage) { bytes in
            switch Int32(storage.ss_family) {
            case AF_UNIX: .some(nil)
            case AF_INET: unmapped(bytes, at: MemoryLayout<sockaddr_in>.offset(of: \.sin_addr), count: 4)
            case AF_INET6: unmapped(bytes, at: MemoryLayout<sockaddr_in6>.offset(of: \.sin6_addr), count: 16)
            default: nil
            }
        }
    }

    private static func unmapped(_ bytes: UnsafeRawBufferPointer, at offset: Int?, count: Int) -> Address? {
        guard let offset else { return nil }
        return Self.unmapped(Array(bytes[offset..<(offset + count)]))
    }

    /// An IPv4 address that stands in an IPv6 one (`::ffff:127.0.0.1`, RFC 4291 2.5.5.2), and any other as it is.
    static func unmapped(_ address: [UInt8]) -> [UInt8] {
        address.count == 16 && address[..<12].elementsEqual([UInt8](repeating: 0, count: 10) + [0xff, 0xff])
            ? Array(address[12...]) : address
    }
}
