import Glibc

/// A directory of a test's own, with a path short enough for Unix sockets. It is removed with everything in it when the
/// value ends. It does not use Foundation, whose file and process functions leak under LeakSanitizer.
final class TemporaryDirectory {
    let path: String

    init() {
        var template = Array("/tmp/hubrelay-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil, "mkdtemp failed")
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        // Subdirectories are empty.
        for name in names { if unlink(self(name)) != 0 { rmdir(self(name)) } }
        rmdir(path)
    }

    /// The path of a name in the directory.
    func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

    /// The names in the directory, sorted.
    var names: [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// A path in the directory with exactly this number of bytes.
    func path(ofBytes count: Int) -> String {
        self(String(repeating: "x", count: count - path.utf8.count - 1))
    }

    func write(_ bytes: [UInt8], to name: String) {
        let file = open(self(name), O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        precondition(file >= 0 && Glibc.write(file, bytes, bytes.count) == bytes.count)
        close(file)
    }

    func write(_ text: String, to name: String) { write(Array(text.utf8), to: name) }

    /// The first 64 KiB of a file as text; nil if it can't be opened.
    func read(_ name: String) -> String? {
        let file = open(self(name), O_RDONLY)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        return String(decoding: buffer[..<max(0, Glibc.read(file, &buffer, buffer.count))], as: UTF8.self)
    }
}

/// The result of lstat(2) for a path; nil if there is no file.
func status(_ path: String) -> stat? {
    var status = stat()
    return lstat(path, &status) == 0 ? status : nil
}
