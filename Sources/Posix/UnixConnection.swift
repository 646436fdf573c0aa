internal import Glibc

/// A connection to a Unix socket that is only there to find out who listens at a path.
struct UnixConnection: ~Copyable {
    private let descriptor: Descriptor

    /// Connects, and never waits.
    /// - Throws: `SystemError`: ENAMETOOLONG, EAGAIN where the queue is full, or what connect(2) says.
    init(to path: String) throws(SystemError) {
        let operation = "connect to \(path)"
        guard let address = UnixAddress(path: path) else {
            throw SystemError(operation: operation, code: ENAMETOOLONG)
        }
        let number = socket(AF_UNIX, streamSocketType, 0)
        guard number >= 0 else { throw .last(operation) }
        let descriptor = Descriptor(owning: number)
        guard address.withSocketAddress({ name, length in retrying { connect(number, name, length) } }) == 0 else {
            throw .last(operation)
        }
        self.descriptor = descriptor
    }

    /// Whoever called listen(2) for the socket at the other end (unix(7), SO_PEERCRED).
    borrowing func peer() throws(SystemError) -> PeerCredentials {
        try PeerCredentials(descriptor: descriptor.number)
    }
}

/// Who listens at the path of a Unix socket: the process that called listen(2), as the kernel knows it, and by its number
/// here. Nil: nobody listens, or one in another pid namespace.
package func listeningProcess(at path: String) -> Int32? {
    guard let peer = try? UnixConnection(to: path).peer(), peer.pid > 0 else { return nil }
    return peer.pid
}
