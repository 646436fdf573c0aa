internal import Glibc

/// A `sockaddr_un` for a path or an abstract name (unix(7)).
struct UnixAddress {
    /// The longest path that fits: `sun_path` has 108 bytes, one is for the terminating zero.
    static let maxPathBytes = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1

    private var storage = sockaddr_un()
    private let length: socklen_t

    /// The address of a path; nil if it is empty, longer than `maxPathBytes`, or has a zero byte in it.
    init?(path: String) {
        let bytes = Array(path.utf8)
        guard !bytes.isEmpty, bytes.count <= Self.maxPathBytes, !bytes.contains(0) else { return nil }
        // The length is that of the whole structure: the kernel stops at the first zero byte.
        length = socklen_t(MemoryLayout<sockaddr_un>.size)
        fill(bytes, at: 0)
    }

    /// The address of a name in the abstract namespace, given without its leading zero byte; nil if it does not fit.
    init?(abstractName: String) {
        let bytes = Array(abstractName.utf8)
        guard !bytes.isEmpty, bytes.count <= Self.maxPathBytes else { return nil }
        // Here every byte within the length counts, so the length must be exact.
        length = socklen_t(MemoryLayout<sockaddr_un>.offset(of: \.sun_path)! + 1 + bytes.count)
        fill(bytes, at: 1)
    }

    private mutating func fill(_ bytes: [UInt8], at offset: Int) {
        storage.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &storage.sun_path) { path in
            for (index, byte) in bytes.enumerated() { path[offset + index] = byte }
        }
    }

    /// Lends the address in the form that bind(2), connect(2) and sendto(2) take.
    func withSocketAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        withUnsafePointer(to: storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }

    /// The path that a socket is bound to; nil if it is bound to none, or is not a Unix socket. Bytes that are not
    /// UTF-8 are replaced by U+FFFD.
    static func path(ofSocket number: Int32) -> String? {
        var address = sockaddr_un()
        var length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(number, $0, &length) }
        }
        guard result == 0, address.sun_family == sa_family_t(AF_UNIX) else { return nil }
        let bytes = withUnsafeBytes(of: address.sun_path) { $0.prefix { $0 != 0 }.map(\.self) }
        return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }
}
