internal import Glibc

/// Why a secret could not be read. Names the path, never the content.
package enum SecretFileError: Error, Equatable, CustomStringConvertible {
    case system(path: String, code: Int32)
    /// "a directory", "a FIFO", ...
    case notAFile(path: String, kind: String)
    case tooLarge(path: String, limit: Int)
    case empty(path: String)

    package var description: String {
        switch self {
        case .system(let path, _), .notAFile(let path, _), .tooLarge(let path, _):
            "cannot read the secret file \(path): \(reason)"
        case .empty(let path): "cannot use the secret file \(path): \(reason)"
        }
    }

    /// The error without the path, for callers that say what the file is for.
    package var reason: String {
        switch self {
        case .system(_, let code): errorText(code)
        case .notAFile(_, let kind): "it is \(kind), not a regular file"
        case .tooLarge(_, let limit): "it is larger than \(limit) bytes"
        case .empty: "it is empty"
        }
    }
}

/// Reads a secret: the content of a regular file of at most `limit` bytes (64 KiB), without one line end (LF or CRLF)
/// at its end. Symbolic links are followed, because mounted secrets are links.
package func readSecretFile(_ path: String, limit: Int = 64 * 1024) throws(SecretFileError) -> [UInt8] {
    // Non-blocking, because otherwise opening a FIFO would wait for a writer.
    let number = retrying { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) }
    guard number >= 0 else { throw .system(path: path, code: errno) }
    let descriptor = Descriptor(owning: number)
    var status = stat()
    guard fstat(descriptor.number, &status) == 0 else { throw .system(path: path, code: errno) }
    guard status.st_mode & S_IFMT == S_IFREG else {
        throw .notAFile(path: path, kind: fileKind(status.st_mode))
    }
    // Reading one byte more than allowed shows that a file is too large. Its size may be stale while it is written.
    var bytes = [UInt8](repeating: 0, count: limit + 1)
    var count = 0
    while count < bytes.count {
        let result = bytes.withUnsafeMutableBytes { buffer in
            retrying { read(descriptor.number, buffer.baseAddress! + count, buffer.count - count) }
        }
        guard result >= 0 else { throw .system(path: path, code: errno) }
        if result == 0 { break }
        count += result
    }
    guard count <= limit else { throw .tooLarge(path: path, limit: limit) }
    // Remove one line end, also that of Windows.
    if count > 0 && bytes[count - 1] == UInt8(ascii: "\n") {
        count -= 1
        if count > 0 && bytes[count - 1] == UInt8(ascii: "\r") { count -= 1 }
    }
    guard count > 0 else { throw .empty(path: path) }
    return Array(bytes[..<count])
}
