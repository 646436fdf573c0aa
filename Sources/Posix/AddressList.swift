internal import Glibc

/// The result of getaddrinfo(3): the stream addresses of a host, freed when the value ends.
struct AddressList: ~Copyable {
    /// The error for a host for which getaddrinfo(3) gives no address.
    struct Failure: Error {
        /// What the resolver said, for people.
        let text: String
    }

    private let head: UnsafeMutablePointer<addrinfo>

    deinit { freeaddrinfo(head) }

    private init(owning head: UnsafeMutablePointer<addrinfo>) { self.head = head }

    /// Resolves a host. Blocks as long as the resolver takes, unless `flags` has AI_NUMERICHOST.
    static func resolve(host: String, port: UInt16, flags: Int32) throws(Failure) -> AddressList {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = flags | AI_NUMERICSERV
        var head: UnsafeMutablePointer<addrinfo>?
        let result = getaddrinfo(host, String(port), &hints, &head)
        guard result == 0, let head else { throw Failure(text: String(cString: gai_strerror(result))) }
        return AddressList(owning: head)
    }

    /// The first address. The pointers are valid for as long as the list is.
    var first: UnsafeMutablePointer<addrinfo>? { head }
}
