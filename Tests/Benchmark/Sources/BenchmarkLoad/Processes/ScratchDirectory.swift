internal import Glibc
internal import Posix

/// A directory that only this run uses, with files and no folders in it. It is removed at the end.
final class ScratchDirectory {
    let path: String

    /// - Throws: `BenchmarkFailure` if no directory can be made in TMPDIR or /tmp.
    init() throws(BenchmarkFailure) {
        // Short, since a socket's path has at most 107 bytes.
        var template = Array("\(environmentVariable("TMPDIR") ?? "/tmp")/hrbench-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw BenchmarkFailure("cannot make a directory in TMPDIR or /tmp: \(errorText(errno))")
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { remove() }

    func path(of name: String) -> String { "\(path)/\(name)" }

    func remove() {
        for name in entries(ofDirectory: path) where name != "." && name != ".." { unlink(self.path(of: name)) }
        rmdir(path)
    }
}
