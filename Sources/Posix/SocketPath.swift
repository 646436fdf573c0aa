internal import CPosix
internal import Glibc

/// The path of a listening Unix socket, and the right to it.
///
/// A lock on a file beside it (`PATH.lock`, which is never removed) decides who owns the path. The socket is bound
/// under a temporary name, gets its mode and group there, and is then renamed. So nobody can connect before it is
/// ready, and the path is never without a socket while one replaces another.
///
/// At the end the path goes to a successor if one waits beside it (`SuccessorSocket`), or else is removed.
///
/// Anybody who may write to its directory can still take the path away. `isOurs` reports that, and `bindAgain` gets the
/// path back if nobody else has it.
package final class SocketPath: ListeningPath {
    package let path: String
    package private(set) var descriptor: Int32
    private let settings: Settings
    private let name: String
    private var directory: Descriptor
    private var identity: FileIdentity
    /// nil once the path has been given up.
    private var lock: PathLock?

    struct Settings {
        let mode: UInt32
        let group: UInt32?
        let backlog: Int32
    }

    /// A socket that listens at its path.
    struct Bound {
        let descriptor: Int32
        let identity: FileIdentity
    }

    init(
        path: String, name: String, settings: Settings, bound: Bound, directory: consuming Descriptor,
        lock: consuming PathLock
    ) {
        (self.path, self.name, self.settings) = (path, name, settings)
        (descriptor, identity) = (bound.descriptor, bound.identity)
        self.directory = directory
        self.lock = consume lock
    }

    deinit { release() }

    /// Listens on `path`. A socket that nobody serves is replaced. A live one, or anything that is not a socket, is an
    /// error, and stays as it is.
    /// - Parameter mode: permission bits of the socket.
    /// - Parameter group: the socket's group; nil: the directory decides the group.
    package static func bind(
        path: String, mode: UInt32, group: UInt32?, backlog: Int32
    ) throws(SocketPathError) -> SocketPath {
        let (directoryName, name) = try split(path)
        let settings = Settings(mode: mode, group: group, backlog: backlog)
        let directory = try open(directoryName, of: path)
        let lock = try PathLock(directory: directory.number, name: name + PathLock.suffix, socketPath: path)
        let bound = try listen(path, name, settings, directory: directory.number, lockInode: lock.inode)
        return SocketPath(path: path, name: name, settings: settings, bound: bound, directory: directory, lock: lock)
    }

    static func open(_ directory: String, of path: String) throws(SocketPathError) -> Descriptor {
        let number = retrying { Glibc.open(directory, hubrelay_O_PATH | O_DIRECTORY | O_CLOEXEC) }
        guard number >= 0 else {
            guard errno == ENOENT || errno == ENOTDIR else {
                throw .system(path: path, operation: "open the directory \(directory)", code: errno)
            }
            throw .noDirectory(path: path, directory: directory)
        }
        return Descriptor(owning: number)
    }

    private static func listen(
        _ path: String, _ name: String, _ settings: Settings, directory: Int32, lockInode: UInt64
    ) throws(SocketPathError) -> Bound {
        let socket = try UnnamedSocket(path: path, directory: directory, lockInode: lockInode)
        do throws(SocketPathError) {
            try socket.prepare(mode: settings.mode, group: settings.group, backlog: settings.backlog)
            let identity = try socket.identity()
            try socket.publish(as: name)
            return Bound(descriptor: socket.take(), identity: identity)
        } catch {
            socket.removeTemporaryName()
            throw error
        }
    }

    /// The directory and the name in it.
    static func split(_ path: String) throws(SocketPathError) -> (directory: String, name: String) {
        guard !path.isEmpty, path.utf8.last != UInt8(ascii: "/"), !path.utf8.contains(0) else {
            throw .notAFileName(path: path)
        }
        guard path.utf8.count <= UnixAddress.maxPathBytes else {
            throw .tooLong(path: path, bytes: path.utf8.count, limit: UnixAddress.maxPathBytes)
        }
        // By bytes: as characters, a slash and a combining mark after it would be one character, which is not a slash.
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return (".", path) }
        let directory = slash == path.startIndex ? "/" : String(path[..<slash])
        return (directory, String(path[path.utf8.index(after: slash)...]))
    }

    /// Whether the path still leads to the socket that was bound here. Checks the whole path, because its directory may
    /// have been moved, or made again.
    package var isOurs: Bool {
        var status = stat()
        return lstat(path, &status) == 0 && FileIdentity(status) == identity
    }

    package var outlivesProcess: Bool { false }

    /// Binds a new socket at the path after the old one has gone from there. The old descriptor stays open, and the
    /// code that listens with it goes over to the new one. A new directory gets a new lock, and so does one whose lock
    /// was deleted.
    /// - Throws: why it failed, as `bind` does: another process has the path, or there is no directory. Nothing has
    ///   changed then, and the caller may try again.
    package func bindAgain() throws(SocketPathError) {
        let (directoryName, _) = try Self.split(path)
        let newDirectory = try Self.open(directoryName, of: path)
        let lockName = name + PathLock.suffix
        let bound: Bound
        if let inode = lock?.inode(ifFile: lockName, in: newDirectory.number) {
            bound = try Self.listen(path, name, settings, directory: newDirectory.number, lockInode: inode)
        } else {
            let newLock = try PathLock(directory: newDirectory.number, name: lockName, socketPath: path)
            bound = try Self.listen(path, name, settings, directory: newDirectory.number, lockInode: newLock.inode)
            lock = consume newLock
        }
        (descriptor, identity) = (bound.descriptor, bound.identity)
        directory = newDirectory
    }

    /// Gives the path up. If the path is still the socket that was bound here, it goes to the successor that waits for
    /// it, so that no connect is refused meanwhile; without a successor it is removed. After that the lock is free, so
    /// that another process can take it at once.
    @discardableResult package func release() -> Bool {
        guard let inode = lock?.inode else { return false }
        // The lock is freed at the end, after the path has been handed over or removed.
        defer { lock = nil }
        var status = stat()
        guard fstatat(directory.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0, FileIdentity(status) == identity
        else {
            return false
        }
        if SuccessorSocket.handOver(path, name, directory: directory.number, lockInode: inode) { return true }
        unlinkat(directory.number, name, 0)
        return false
    }
}
