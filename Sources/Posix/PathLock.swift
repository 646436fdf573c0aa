internal import Glibc

/// The lock file beside a socket's path: whoever holds its flock(2) owns the path.
///
/// The file stays for good. Were it removed, a process that still holds the old file and one that locked a
/// new file of the same name would both believe that they own the path.
struct PathLock: ~Copyable {
    private let descriptor: Descriptor

    /// Identifies the lock among all of its file system: two paths never share it.
    let inode: UInt64

    // Explicitly, as closing frees it only once a child that is between fork and exec has closed its copy
    // too.
    deinit { flock(descriptor.number, LOCK_UN) }

    /// Takes the lock `name` in `directory` at once, or fails. `socketPath` is for the errors alone.
    /// - Throws: `.locked` when another open file description holds it, in this process or another.
    init(directory: Int32, name: String, socketPath: String) throws(SocketPathError) {
        let lockPath = socketPath + PathLock.suffix
        let flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
        let number = retrying { openat(directory, name, flags, 0o600) }
        guard number >= 0 else {
            switch errno {
            // Both are told by open(2), before there is anything to look at.
            case ELOOP: throw .badLockFile(path: lockPath, kind: fileKind(S_IFLNK))
            case EISDIR: throw .badLockFile(path: lockPath, kind: fileKind(S_IFDIR))
            default: throw .system(path: socketPath, operation: "open the lock file \(lockPath)", code: errno)
            }
        }
        let descriptor = Descriptor(owning: number)
        var status = stat()
        guard fstat(number, &status) == 0 else {
            throw .system(path: socketPath, operation: "look at the lock file", code: errno)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .badLockFile(path: lockPath, kind: fileKind(status.st_mode))
        }
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

    /// Writes our pid for the next one's error message. A failure (disk full) costs only that message its
    /// number.
    private static func writeOwner(_ descriptor: Int32) {
        let text = Array("\(getpid())\n".utf8)
        _ = ftruncate(descriptor, 0)
        _ = pwrite(descriptor, text, text.count, 0)
    }

    /// The pid in the file. Nil where there is none, or it is nobody's: the owner may live in another pid
    /// namespace.
    private static func readOwner(_ descriptor: Int32) -> Int32? {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        let digits = bytes.prefix(max(0, count)).prefix { $0 != UInt8(ascii: "\n") }
        guard let pid = Int32(String(decoding: digits, as: UTF8.self)), pid > 0 else { return nil }
        return kill(pid, 0) == 0 || errno == EPERM ? pid : nil
    }
}
