internal import CPosix
internal import Glibc

/// The path of a listening Unix socket, and the right to it.
///
/// A lock on a file beside it (`PATH.lock`, which stays) decides who owns the path. The socket is bound under
/// a temporary name, gets its mode and group there, and is then renamed: nobody can connect before it is
/// ready, and the path is never without a socket while one replaces another.
package final class SocketPath {
    /// The listening socket, non-blocking and close-on-exec. It belongs to whoever listens with it, who
    /// closes it.
    package let descriptor: Int32
    private let directory: Descriptor
    private let name: String
    private let identity: FileIdentity
    /// nil once the path has been given up.
    private var lock: PathLock?

    private init(
        descriptor: Int32, directory: consuming Descriptor, name: String, identity: FileIdentity,
        lock: consuming PathLock
    ) {
        (self.descriptor, self.name, self.identity) = (descriptor, name, identity)
        self.directory = directory
        self.lock = consume lock
    }

    deinit { release() }

    /// Listens on `path`. A socket that nobody serves is replaced; a live one, or anything that is not a
    /// socket, is an error and stays as it is.
    /// - Parameter mode: permission bits of the socket.
    /// - Parameter group: the socket's group; nil leaves it to the directory.
    package static func bind(
        path: String, mode: UInt32, group: UInt32?, backlog: Int32
    ) throws(SocketPathError) -> SocketPath {
        let (directoryName, name) = try split(path)
        let number = retrying { open(directoryName, hubrelay_O_PATH | O_DIRECTORY | O_CLOEXEC) }
        guard number >= 0 else {
            guard errno == ENOENT || errno == ENOTDIR else {
                throw .system(path: path, operation: "open the directory \(directoryName)", code: errno)
            }
            throw .noDirectory(path: path, directory: directoryName)
        }
        let directory = Descriptor(owning: number)
        let lock = try PathLock(directory: number, name: name + PathLock.suffix, socketPath: path)
        let socket = try UnnamedSocket(path: path, directory: number, lockInode: lock.inode)
        let identity: FileIdentity
        do throws(SocketPathError) {
            try socket.prepare(mode: mode, group: group, backlog: backlog)
            identity = try socket.identity()
            try socket.publish(as: name)
        } catch {
            socket.removeTemporaryName()
            throw error
        }
        return SocketPath(
            descriptor: socket.take(), directory: directory, name: name, identity: identity, lock: lock)
    }

    private static func split(_ path: String) throws(SocketPathError) -> (directory: String, name: String) {
        guard !path.isEmpty, path.utf8.last != UInt8(ascii: "/"), !path.utf8.contains(0) else {
            throw .notAFileName(path: path)
        }
        guard path.utf8.count <= UnixAddress.maxPathBytes else {
            throw .tooLong(path: path, bytes: path.utf8.count, limit: UnixAddress.maxPathBytes)
        }
        // By bytes: with characters, a slash before a combining mark would be another character than a slash.
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return (".", path) }
        let directory = slash == path.startIndex ? "/" : String(path[..<slash])
        return (directory, String(path[path.utf8.index(after: slash)...]))
    }

    /// Gives the path up: it is removed if it still is the socket that was bound here, and the lock is free,
    /// so that another process can take it at once. The listening descriptor stays open. May be called more
    /// than once.
    package func release() {
        guard lock != nil else { return }
        var status = stat()
        if fstatat(directory.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0,
            FileIdentity(status) == identity
        {
            unlinkat(directory.number, name, 0)
        }
        lock = nil
    }
}
