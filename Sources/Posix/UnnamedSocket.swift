internal import CPosix
internal import Glibc

/// A Unix socket bound under a temporary name, before it gets its final one. Made by the owner of the path's lock.
struct UnnamedSocket: ~Copyable {
    private let descriptor: Descriptor
    private let path: String
    private let directory: Int32
    private let temporaryName: String

    /// The purpose of the socket, which its temporary name shows.
    enum Purpose {
        /// It gets its final name at once.
        case binding
        /// It waits until another process leaves the path.
        case succeeding

        fileprivate var suffix: String { self == .binding ? ".new" : ".next" }
        fileprivate var shortSuffix: String { self == .binding ? "" : "n" }
    }

    /// Binds a new socket under a temporary name beside `path`. Nobody can connect yet: it does not listen.
    init(
        path: String, directory: Int32, lockInode: UInt64, for purpose: Purpose = .binding
    ) throws(SocketPathError) {
        let (temporaryName, address) = try Self.temporaryPlace(
            path, directory: directory, lockInode: lockInode, for: purpose)
        try Self.removeLeftover(temporaryName, directory: directory, path: path)
        let number = socket(AF_UNIX, streamSocketType, 0)
        guard number >= 0 else { throw .system(path: path, operation: "socket", code: errno) }
        let descriptor = Descriptor(owning: number)
        let result = address.withSocketAddress { Glibc.bind(number, $0, $1) }
        guard result == 0 else { throw .system(path: path, operation: "bind", code: errno) }
        self.descriptor = descriptor
        self.path = path
        self.directory = directory
        self.temporaryName = temporaryName
    }

    /// A name beside `path` that is as much ours as the lock is. So what is left there after a crash is ours, too.
    static func temporaryPlace(
        _ path: String, directory: Int32, lockInode: UInt64, for purpose: Purpose
    ) throws(SocketPathError) -> (name: String, address: UnixAddress) {
        let long = path + purpose.suffix
        if let address = UnixAddress(path: long) {
            let slash = long.utf8.lastIndex(of: UInt8(ascii: "/"))
            return (slash.map { String(long[long.utf8.index(after: $0)...]) } ?? long, address)
        }
        // There is no room for a suffix, so use a short name, reached through the directory's descriptor.
        let short = "." + String(lockInode, radix: 16) + purpose.shortSuffix
        guard let address = UnixAddress(path: "/proc/self/fd/\(directory)/\(short)") else {
            throw .tooLong(path: path, bytes: path.utf8.count, limit: UnixAddress.maxPathBytes)
        }
        return (short, address)
    }

    /// Sets the group and then the mode, because chown(2) may clear mode bits. Listens only after that: at no moment
    /// can anybody connect that `mode` shuts out.
    borrowing func prepare(mode: UInt32, group: UInt32?, backlog: Int32) throws(SocketPathError) {
        if let group {
            guard fchownat(directory, temporaryName, uid_t.max, group, AT_SYMLINK_NOFOLLOW) == 0 else {
                throw .system(path: path, operation: "give the socket to group \(group)", code: errno)
            }
        }
        guard fchmodat(directory, temporaryName, mode, AT_SYMLINK_NOFOLLOW) == 0 else {
            throw .system(path: path, operation: "set the socket's mode", code: errno)
        }
        guard listen(descriptor.number, backlog) == 0 else {
            throw .system(path: path, operation: "listen", code: errno)
        }
    }

    /// The identity of the file under the temporary name.
    borrowing func identity() throws(SocketPathError) -> FileIdentity {
        var status = stat()
        guard fstatat(directory, temporaryName, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
            throw .system(path: path, operation: "check the new socket", code: errno)
        }
        return FileIdentity(status)
    }

    /// Gives the socket its final name. Replaces only a stale socket.
    borrowing func publish(as name: String) throws(SocketPathError) {
        try Self.publish(temporaryName, as: name, of: path, directory: directory)
    }

    /// Gives a socket that is bound under a temporary name its final one, as `publish(as:)` does.
    static func publish(
        _ temporaryName: String, as name: String, of path: String, directory: Int32
    ) throws(SocketPathError) {
        switch try occupant(name, of: path, directory: directory) {
        case .nothing:
            if hubrelay_rename_no_replace(directory, temporaryName, name) == 0 { return }
            // Some file systems cannot rename without replacing. On those, a file that somebody makes at this moment is
            // lost.
            guard errno == EINVAL || errno == ENOSYS else { break }
            if renameat(directory, temporaryName, directory, name) == 0 { return }
        case .staleSocket:
            if renameat(directory, temporaryName, directory, name) == 0 { return }
        }
        throw .system(path: path, operation: "rename the new socket", code: errno)
    }

    /// Removes the temporary name, after a failure.
    borrowing func removeTemporaryName() { _ = unlinkat(directory, temporaryName, 0) }

    /// Gives the listening descriptor away.
    consuming func take() -> Int32 { descriptor.take() }

    private enum Occupant { case nothing, staleSocket }

    private static func occupant(
        _ name: String, of path: String, directory: Int32
    ) throws(SocketPathError) -> Occupant {
        var status = stat()
        guard fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
            if errno == ENOENT { return .nothing }
            throw .system(path: path, operation: "check it", code: errno)
        }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw .notASocket(path: path, kind: fileKind(status.st_mode))
        }
        let number = socket(AF_UNIX, streamSocketType, 0)
        guard number >= 0, let address = UnixAddress(path: path) else {
            throw .system(path: path, operation: "socket", code: errno)
        }
        let probe = Descriptor(owning: number)
        let result = address.withSocketAddress { connect(probe.number, $0, $1) }
        if result == 0 { throw .live(path: path) }
        switch errno {
        case ECONNREFUSED: return .staleSocket
        case ENOENT: return .nothing
        // Its queue is full, or it is not a stream socket: somebody has it open in both cases.
        case EAGAIN, EPROTOTYPE: throw .live(path: path)
        default: throw .system(path: path, operation: "find out whether it is in use", code: errno)
        }
    }

    /// Removes the socket of an owner of the lock that was killed between bind and rename.
    private static func removeLeftover(
        _ name: String, directory: Int32, path: String
    ) throws(SocketPathError) {
        var status = stat()
        guard fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw .notASocket(path: "\(path) (at its temporary name \(name))", kind: fileKind(status.st_mode))
        }
        _ = unlinkat(directory, name, 0)
    }
}
