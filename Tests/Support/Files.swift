internal import Glibc

/// The text of the current `errno`, for messages.
package func errnoText() -> String { String(cString: strerror(errno)) }

/// The status of the file at a path. A symbolic link is not followed.
package struct FileStatus: Equatable, Sendable {
    package let isSocket: Bool
    package let isSymbolicLink: Bool
    /// The permission bits.
    package let mode: UInt32
    package let group: UInt32
    package let inode: UInt64

    /// Returns nil if there is no file at `path`.
    package init?(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        isSocket = status.st_mode & S_IFMT == S_IFSOCK
        isSymbolicLink = status.st_mode & S_IFMT == S_IFLNK
        mode = status.st_mode & 0o7777
        group = status.st_gid
        inode = UInt64(status.st_ino)
    }
}

/// Whether anything is at `path`.
package func fileExists(_ path: String) -> Bool { FileStatus(path) != nil }

/// Removes a file, if it is there.
package func removeFile(_ path: String) { unlink(path) }

/// Renames a file or a directory within its file system, if that is possible.
package func moveFile(_ path: String, to other: String) { rename(path, other) }

/// Gives a file a second name (a hard link), if that is possible.
package func makeHardLink(at path: String, to target: String) { link(target, path) }

/// Makes a directory.
package func makeDirectory(_ path: String) { mkdir(path, 0o755) }

/// Makes a symbolic link.
package func makeLink(at path: String, to target: String) { symlink(target, path) }

/// The effective user and group of the tests.
package var currentUserID: UInt32 { geteuid() }
package var currentGroupID: UInt32 { getegid() }

/// The bytes of a file as text; empty if it cannot be read.
package func textOfFile(_ path: String) -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return "" }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65536)
    while case let count = read(descriptor, &chunk, chunk.count), count > 0 {
        bytes += chunk[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
}

/// Creates or replaces a file.
/// - Throws: `TestFailure` when it cannot be written.
package func writeFile(_ path: String, _ text: String) throws { try writeFile(path, Array(text.utf8)) }

/// Creates or replaces a file.
/// - Throws: `TestFailure` when it cannot be written.
package func writeFile(_ path: String, _ bytes: [UInt8]) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw TestFailure("open \(path): \(errnoText())") }
    defer { close(descriptor) }
    guard write(descriptor, bytes, bytes.count) == bytes.count else {
        throw TestFailure("write \(path): \(errnoText())")
    }
}
