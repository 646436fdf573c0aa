internal import Glibc

/// What tells that a file is not as it was: another one has its name, or it was written to (stat(2); links are followed, as
/// mounted secrets are links).
package struct FileStamp: Sendable, Equatable {
    private let device, inode, size: UInt64
    private let modified, changed: [Int]

    /// Nil where there is no file that can be looked at.
    package init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        (device, inode, size) = (UInt64(status.st_dev), UInt64(status.st_ino), UInt64(status.st_size))
        modified = [status.st_mtim.tv_sec, status.st_mtim.tv_nsec]
        changed = [status.st_ctim.tv_sec, status.st_ctim.tv_nsec]
    }
}
