internal import Glibc

/// A host of its own on this machine: a network namespace. What is started with `command` in front sees its network
/// and its name resolution; Unix sockets are reached by their path from everywhere.
///
/// The namespace goes with the last reference, so whatever runs there keeps one.
package final class NetworkHost: Sendable {
    /// The name of the namespace.
    package let name: String

    /// - Throws: `TestFailure` when the kernel does not permit it.
    init(_ name: String) throws {
        self.name = name
        Leftovers.shared.add(.namespace, name)
        do {
            try NetworkHost.run("ip", "netns", "add", name)
            try NetworkHost.run("ip", "-n", name, "link", "set", "lo", "up")
        } catch {
            remove()
            throw error
        }
    }

    deinit { remove() }

    /// What stands before a program and its arguments to run it here. `ip` becomes the program, so the process id is
    /// the program's.
    package var command: [String] { ["ip", "netns", "exec", name] }

    /// Runs a program here and waits for its end.
    /// - Returns: its standard output.
    /// - Throws: `TestFailure` with its standard error when it fails.
    @discardableResult
    package func run(_ words: String...) throws -> String { try run(words) }

    @discardableResult
    package func run(_ words: [String]) throws -> String { try NetworkHost.run(command + words) }

    /// Puts a file in place of the one of this name in /etc, such as `hosts`, for what runs here. The first time has
    /// to be before the program in question is started; later changes are seen by it.
    package func replaceInEtc(_ file: String, _ text: String) throws {
        // Twice: another test process may be removing the directory that is shared, because it was empty.
        try NetworkHost.run("sh", "-c", "mkdir -p \(etc) 2>/dev/null || mkdir -p \(etc)")
        try writeFile(etc + "/" + file, text)
    }

    /// Where ip-netns(8) looks for files that replace those in /etc.
    private var etc: String { "/etc/netns/" + name }

    private func remove() {
        _ = try? NetworkHost.run("sh", "-c", Leftovers.removalOfNamespace, "sh", name)
        Leftovers.shared.remove(.namespace, name)
    }

    @discardableResult
    static func run(_ words: String...) throws -> String { try run(words) }

    @discardableResult
    static func run(_ words: [String]) throws -> String {
        let directory = try TemporaryDirectory()
        let process = try ChildProcess(words[0], Array(words.dropFirst()), log: directory.path(of: "run"))
        guard try process.waitForExit() == .code(0) else {
            throw TestFailure("\(words.joined(separator: " ")): \(process.errors)")
        }
        return process.output
    }
}
