internal import Glibc

/// A directory of its own under /tmp. It is removed with everything in it when the last reference goes. With
/// `TESTED_KEEP` in the environment it stays, and its path is written to standard error, so that the logs of servers
/// can be read after the test.
///
/// It is always in /tmp, and its name is short, because the path of a Unix socket is limited to 107 bytes.
package final class TemporaryDirectory: Sendable {
    package let path: String

    /// - Throws: `TestFailure` when /tmp is not writable.
    package init() throws {
        var template = Array("/tmp/hubrelay.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw TestFailure("mkdtemp: \(errnoText())") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if keepsDirectories {
            let line = Array("kept: \(path)\n".utf8)
            _ = write(STDERR_FILENO, line, line.count)
        } else {
            Leftovers.shared.add(.directory, path)
        }
    }

    deinit {
        if keepsDirectories { return }
        removeTree(path)
        Leftovers.shared.remove(.directory, path)
    }

    /// Lets other users reach the entries, as far as each entry's own mode allows. At first only the owner can reach
    /// them.
    package func openToOthers() { chmod(path, 0o711) }

    /// The paths of the entries, without those in subdirectories.
    package var entries: [String] { names(in: path).map { path + "/" + $0 } }

    /// The path of an entry of this directory; nothing is created.
    package func path(of name: String) -> String { path + "/" + name }
}

private let keepsDirectories = getenv("TESTED_KEEP") != nil

/// The names in a directory; empty if it cannot be read.
func names(in path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != "." && name != ".." { names.append(name) }
    }
    return names
}

private func removeTree(_ path: String) {
    for name in names(in: path) {
        let child = path + "/" + name
        // `unlink` refuses directories.
        if unlink(child) != 0 { removeTree(child) }
    }
    rmdir(path)
}
