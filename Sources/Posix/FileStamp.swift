internal import Glibc

/// Shows whether a file has changed: another file has its name, or it was written to (stat(2)). Links are followed,
/// because mounted secrets are links.
package struct FileStamp: Sendable, Equatable {
    private let device, inode, size: UInt64
    private let modified, changed: [Int]

    /// nil if stat(2) finds no file.
    package init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        (device, inode, size) = (UInt64(status.st_dev), UInt64(status.st_ino), UInt64(status.st_size))
        modified = [status.st_mtim.tv_sec, status.st_mtim.tv_nsec]
        changed = [status.st_ctim.tv_sec, status.st_ctim.tv_nsec]
    }
}
