internal import ArgumentParser
internal import BenchmarkReport
internal import Glibc
internal import Posix

/// Where the report goes.
struct OutputOptions: ParsableArguments {
    @Option(help: "Write everything that was measured to this file, as JSON; - is stdout, in place of the table.")
    var json: String?
    @Option(help: "Write a page with tables and plots to this file.") var html: String?
    @Option(help: "Write one compact table to this file, as GitHub's Markdown: those in the documentation are made so.")
    var markdown: String?

    /// Checks now whether the files can be written, and not after minutes of measuring.
    func check() throws(Failure) {
        for (option, path) in [("--html", html), ("--markdown", markdown)] where path == "-" {
            throw .usage("\(option): give a file; only --json can go to stdout")
        }
        for path in [json, html, markdown].compactMap({ $0 }) where path != "-" { close(try Self.open(path, O_APPEND)) }
    }

    func write(_ report: Report) throws(Failure) {
        try Output.standard(json == "-" ? report.json + "\n" : report.table)
        if let json, json != "-" { try Self.write(report.json + "\n", to: json) }
        if let html { try Self.write(report.html, to: html) }
        if let markdown { try Self.write(report.markdown, to: markdown) }
    }

    private static func write(_ text: String, to path: String) throws(Failure) {
        let descriptor = try open(path, O_TRUNC)
        defer { close(descriptor) }
        do throws(SystemError) {
            try writeAll(descriptor, Array(text.utf8))
        } catch {
            throw Failure("\(path): \(error)", code: 1)
        }
    }

    private static func open(_ path: String, _ flag: Int32) throws(Failure) -> Int32 {
        let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flag, 0o644)
        guard descriptor >= 0 else { throw .usage("cannot write \(path): \(errorText(errno))") }
        return descriptor
    }
}

/// The two standard outputs.
enum Output {
    static func standard(_ text: String) throws(Failure) {
        do throws(SystemError) {
            try writeAll(STDOUT_FILENO, Array(text.utf8))
        } catch {
            // The reader of the output has read enough.
            throw Failure("cannot write to stdout: \(error)", code: error.code == EPIPE ? 0 : 1)
        }
    }

    /// A line for people, on stderr. It is lost if stderr is closed.
    static func say(_ line: String) {
        try? writeAll(STDERR_FILENO, Array("hubrelay-bench: \(line)\n".utf8))
    }
}
