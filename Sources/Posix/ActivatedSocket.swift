internal import Glibc

/// A listening Unix socket that a service manager has made and passed (socket activation).
///
/// It is used as it is. Its path, mode and group belong to the service manager, so nothing is bound, renamed, locked or
/// removed here. Clients that connect while no relay runs wait in the kernel for the next one.
package final class ActivatedSocket: ListeningPath {
    package let path: String
    package let descriptor: Int32
    /// The file that was at the path when it was found to lead to this socket; nil: not known yet.
    private var identity: FileIdentity?

    /// Takes over descriptor 3.
    /// - Parameter path: the path that the socket must be bound to, byte for byte.
    /// - Throws: how the descriptor differs from a Unix stream socket that listens there. It is closed then.
    package init(path: String, descriptor: Int32 = PassedDescriptors.first) throws(PassedSocketError) {
        let owned = Descriptor(owning: descriptor)
        try Self.check(owned.number, path: path)
        _ = fcntl(owned.number, F_SETFD, FD_CLOEXEC)
        // The flag belongs to the socket, and so to all processes that have it. But the service manager does not accept
        // from it.
        _ = fcntl(owned.number, F_SETFL, fcntl(owned.number, F_GETFL) | O_NONBLOCK)
        (self.path, self.descriptor) = (path, owned.take())
        _ = isOurs
    }

    private static func check(_ number: Int32, path: String) throws(PassedSocketError) {
        var status = stat()
        guard fstat(number, &status) == 0 else { throw .kind("is not open") }
        guard status.st_mode & S_IFMT == S_IFSOCK else { throw .kind("is \(fileKind(status.st_mode)), not a socket") }
        guard option(SO_DOMAIN, of: number) == AF_UNIX else { throw .kind("is not a Unix socket") }
        guard option(SO_TYPE, of: number) == Int32(SOCK_STREAM.rawValue) else { throw .kind("is not a stream socket") }
        guard option(SO_ACCEPTCONN, of: number) == 1 else { throw .kind("does not listen") }
        let bound = UnixAddress.path(ofSocket: number)
        guard bound == path else { throw .path(bound, wanted: path) }
    }

    private static func option(_ name: Int32, of number: Int32) -> Int32? {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(number, SOL_SOCKET, name, &value, &length) == 0 ? value : nil
    }

    /// Whether the path still leads to this socket. At first that is found out by connecting: the process that answers
    /// must be the one that called listen(2) for this socket. After that, the file at the path must be the same as it
    /// was then.
    package var isOurs: Bool {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return false }
        let found = FileIdentity(status)
        if let identity { return found == identity }
        guard leadsHere else { return false }
        identity = found
        return true
    }

    private var leadsHere: Bool {
        guard let listener = try? PeerCredentials(descriptor: descriptor),
            let connection = try? BlockingConnection.unix(path: path, timeout: 0), let peer = try? connection.peer()
        else { return false }
        return peer.pid == listener.pid && peer.uid == listener.uid
    }

    /// Always: the service manager keeps the socket open.
    package var outlivesProcess: Bool { true }

    /// Always fails: only the service manager may bind the socket.
    package func bindAgain() throws(SocketPathError) {
        var status = stat()
        let isThere = lstat(path, &status) == 0
        throw .lostByServiceManager(path: path, found: isThere ? fileKind(status.st_mode) : nil)
    }

    /// Does not give up anything: clients that connect from now on wait for the next relay.
    @discardableResult package func release() -> Bool { false }
}
