internal import CPosix
internal import Glibc

/// A listening socket that waits beside a path for the process that serves it now to leave.
///
/// It listens from the start under a name of its own (`PATH.next`), which no client uses. The process that leaves
/// renames it to the path, in place of its own socket. So there is a listening socket at every moment, and no connect
/// is refused. Then the lock is free, and by taking it we own the path. If a process only removes its socket, we do the
/// renaming. A second lock (`PATH.next.lock`) ensures that only one process waits.
package final class SuccessorSocket {
    package let path: String
    /// The listening socket, non-blocking and close-on-exec. The code that listens with it owns it and closes it.
    package let descriptor: Int32
    private let name: String
    private let temporaryName: String
    private let settings: SocketPath.Settings
    private let identity: FileIdentity
    private let directory: Descriptor
    /// nil once it has the path, or is given up.
    private var waitingLock: PathLock?

    /// Listens beside `path`, which another process serves.
    /// - Parameter mode: permission bits of the socket.
    /// - Parameter group: the socket's group; nil: the directory decides the group.
    /// - Throws: `.beingTakenOver` if another process waits there, or why no socket can be made.
    package init(path: String, mode: UInt32, group: UInt32?, backlog: Int32) throws(SocketPathError) {
        let (directoryName, name) = try SocketPath.split(path)
        let directory = try SocketPath.open(directoryName, of: path)
        let waitingLock = try Self.takeTurn(path, name, directory: directory.number)
        let inode = try Self.lockInode(path, name, directory: directory.number)
        let place = try UnnamedSocket.temporaryPlace(
            path, directory: directory.number, lockInode: inode, for: .succeeding)
        let socket = try UnnamedSocket(path: path, directory: directory.number, lockInode: inode, for: .succeeding)
        do throws(SocketPathError) {
            try socket.prepare(mode: mode, group: group, backlog: backlog)
            identity = try socket.identity()
        } catch {
            socket.removeTemporaryName()
            throw error
        }
        (self.path, self.name, temporaryName) = (path, name, place.name)
        settings = SocketPath.Settings(mode: mode, group: group, backlog: backlog)
        descriptor = socket.take()
        self.directory = directory
        self.waitingLock = consume waitingLock
    }

    deinit { abandon() }

    private static func takeTurn(_ path: String, _ name: String, directory: Int32) throws(SocketPathError) -> PathLock {
        do throws(SocketPathError) {
            return try PathLock(directory: directory, name: name + lockSuffix, socketPath: path + nextSuffix)
        } catch {
            guard case .locked(_, let pid) = error else { throw error }
            throw .beingTakenOver(path: path, pid: pid)
        }
    }

    private static func lockInode(_ path: String, _ name: String, directory: Int32) throws(SocketPathError) -> UInt64 {
        var status = stat()
        guard fstatat(directory, name + PathLock.suffix, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
            throw .system(path: path, operation: "check the lock file", code: errno)
        }
        return UInt64(status.st_ino)
    }

    private static let nextSuffix = ".next"
    private static let lockSuffix = nextSuffix + PathLock.suffix

    /// Takes the path, if the process that served it has left.
    /// - Returns: nil as long as that process has not left.
    /// - Throws: why the path cannot be taken: `.live` if another program listens there, ...
    package func take() throws(SocketPathError) -> SocketPath? {
        let lock: PathLock
        do throws(SocketPathError) {
            lock = try PathLock(directory: directory.number, name: name + PathLock.suffix, socketPath: path)
        } catch {
            if case .locked = error { return nil }
            throw error
        }
        let (directoryName, _) = try SocketPath.split(path)
        let held = try SocketPath.open(directoryName, of: path)
        if !isAtPath { try UnnamedSocket.publish(temporaryName, as: name, of: path, directory: directory.number) }
        waitingLock = nil
        return SocketPath(
            path: path, name: name, settings: settings,
            bound: SocketPath.Bound(descriptor: descriptor, identity: identity), directory: held, lock: lock)
    }

    private var isAtPath: Bool {
        var status = stat()
        return fstatat(directory.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && FileIdentity(status) == identity
    }

    /// Stops waiting, and removes the socket's files. Does nothing once it has the path.
    package func abandon() {
        guard waitingLock != nil else { return }
        for each in [temporaryName, name] {
            var status = stat()
            if fstatat(directory.number, each, &status, AT_SYMLINK_NOFOLLOW) == 0, FileIdentity(status) == identity {
                unlinkat(directory.number, each, 0)
            }
        }
        waitingLock = nil
    }

    /// If a process waits for `path`, renames its socket to `path`.
    /// - Returns: whether the path has a successor's socket now.
    static func handOver(_ path: String, _ name: String, directory: Int32, lockInode: UInt64) -> Bool {
        var status = stat()
        guard
            let place = try? UnnamedSocket.temporaryPlace(
                path, directory: directory, lockInode: lockInode, for: .succeeding),
            fstatat(directory, place.name, &status, AT_SYMLINK_NOFOLLOW) == 0,
            status.st_mode & S_IFMT == S_IFSOCK, status.st_uid == geteuid(),
            // What was left there by a process that has ended belongs to nobody.
            PathLock.isHeld(name + lockSuffix, in: directory)
        else { return false }
        return renameat(directory, place.name, directory, name) == 0
    }
}
