internal import Glibc

/// The lock file beside a socket's path. The process that holds its flock(2) owns the path.
///
/// The file is never removed. Otherwise a process could still hold the old file while another one locks a new file of
/// the same name, and both would believe that they own the path.
///
/// The file is written to, so it is checked first. Anybody who may write to the directory can put another file of ours
/// in its place by a hard link, or a file of their own.
struct PathLock: ~Copyable {
    private let descriptor: Descriptor

    /// Identifies the lock within its file system: two paths never share it.
    let inode: UInt64

    // Explicitly, because closing frees the lock only after a child that is between fork and exec has closed its copy,
    // too.
    deinit { flock(descriptor.number, LOCK_UN) }

    /// Takes the lock `name` in `directory` at once, or fails. `socketPath` is only for the errors.
    /// - Throws: `.locked` if another open file description holds the lock, in this process or another; `.badLockFile`
    ///   if it is not a regular file of this user with only this name. Such a file is neither opened nor changed.
    init(directory: Int32, name: String, socketPath: String) throws(SocketPathError) {
        let lockPath = socketPath + PathLock.suffix
        let descriptor = try Self.open(directory, name, lockPath: lockPath, socketPath: socketPath)
        let number = descriptor.number
        var status = stat()
        guard fstat(number, &status) == 0 else {
            throw .system(path: socketPath, operation: "check the lock file", code: errno)
        }
        // Checked again, since another file may have taken its place in the meantime.
        if let problem = Self.problem(status) { throw .badLockFile(path: lockPath, problem: problem) }
        guard retrying({ flock(number, LOCK_EX | LOCK_NB) }) == 0 else {
            guard errno == EWOULDBLOCK else {
                throw .system(path: socketPath, operation: "lock \(lockPath)", code: errno)
            }
            throw .locked(path: socketPath, pid: Self.readOwner(number))
        }
        Self.writeOwner(number)
        inode = UInt64(status.st_ino)
        self.descriptor = descriptor
    }

    static let suffix = ".lock"

    /// The inode of the lock, if `name` in `directory` is its file; else nil.
    borrowing func inode(ifFile name: String, in directory: Int32) -> UInt64? {
        var (held, found) = (stat(), stat())
        guard fstat(descriptor.number, &held) == 0,
            fstatat(directory, name, &found, AT_SYMLINK_NOFOLLOW) == 0, FileIdentity(held) == FileIdentity(found)
        else { return nil }
        return inode
    }

    /// Whether a process holds the lock `name` in `directory`; false if there is no such file, or it cannot be opened.
    static func isHeld(_ name: String, in directory: Int32) -> Bool {
        let number = retrying { openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY) }
        guard number >= 0 else { return false }
        let descriptor = Descriptor(owning: number)
        return retrying { flock(descriptor.number, LOCK_SH | LOCK_NB) } != 0 && errno == EWOULDBLOCK
    }

    /// The pid in the lock file beside `path`, if it names a process that is alive.
    static func owner(ofPath path: String) -> Int32? {
        let number = retrying { Glibc.open(path + suffix, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY) }
        guard number >= 0 else { return nil }
        let descriptor = Descriptor(owning: number)
        return readOwner(descriptor.number)
    }

    private static func open(
        _ directory: Int32, _ name: String, lockPath: String, socketPath: String
    ) throws(SocketPathError) -> Descriptor {
        let flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
        var status = stat()
        let isThere = fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0
        if isThere, let problem = problem(status) { throw .badLockFile(path: lockPath, problem: problem) }
        let number = retrying { openat(directory, name, isThere ? flags : flags | O_CREAT, 0o600) }
        guard number >= 0 else {
            throw .system(path: socketPath, operation: "open the lock file \(lockPath)", code: errno)
        }
        return Descriptor(owning: number)
    }

    private static func problem(_ status: stat) -> LockFileProblem? {
        guard status.st_mode & S_IFMT == S_IFREG else { return .kind(fileKind(status.st_mode)) }
        guard status.st_nlink == 1 else { return .names(Int(status.st_nlink)) }
        let user = geteuid()
        return status.st_uid == user ? nil : .owner(status.st_uid, notUser: user)
    }

    /// A process that holds a lock.
    struct Holder {
        /// nil if the lock file names no process that is alive.
        let pid: Int32?
    }

    /// The process that holds a lock; nil if there is none. Changes nothing, except that we hold a free lock for a
    /// moment.
    /// - Throws: `.badLockFile` as `init` does.
    static func holder(
        in directory: Int32, name: String, socketPath: String
    ) throws(SocketPathError) -> Holder? {
        var status = stat()
        guard fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
        if let problem = problem(status) { throw .badLockFile(path: socketPath + suffix, problem: problem) }
        let number = retrying { openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY) }
        guard number >= 0 else {
            throw .system(path: socketPath, operation: "open the lock file \(socketPath)\(suffix)", code: errno)
        }
        let descriptor = Descriptor(owning: number)
        guard retrying({ flock(descriptor.number, LOCK_SH | LOCK_NB) }) != 0 else {
            flock(descriptor.number, LOCK_UN)
            return nil
        }
        return errno == EWOULDBLOCK ? Holder(pid: readOwner(descriptor.number)) : nil
    }

    /// Writes our pid, for the error message of the next process. If that fails (disk full), the message only lacks the
    /// pid.
    private static func writeOwner(_ descriptor: Int32) {
        let text = Array("\(getpid())\n".utf8)
        _ = ftruncate(descriptor, 0)
        _ = pwrite(descriptor, text, text.count, 0)
    }

    /// The pid in the file; nil if there is none, or no process here has it: the owner may be in another pid namespace.
    private static func readOwner(_ descriptor: Int32) -> Int32? {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        let digits = bytes.prefix(max(0, count)).prefix { $0 != UInt8(ascii: "\n") }
        guard let pid = Int32(String(decoding: digits, as: UTF8.self)), pid > 0 else { return nil }
        return kill(pid, 0) == 0 || errno == EPERM ? pid : nil
    }
}
