internal import Glibc

/// A separate host on this machine: a network namespace. A program that is started with `command` in front uses the
/// network and the name resolution of this host. Unix sockets can be reached by their path from every host.
///
/// The namespace is removed with the last reference, so whatever runs there keeps a reference.
package final class NetworkHost: Sendable {
    /// The name of the namespace.
    package let name: String

    /// - Throws: `TestFailure` when the kernel does not permit namespaces.
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

    /// The words to put before a program and its arguments, to run it on this host. `ip` becomes the program, so the
    /// process id is the program's.
    package var command: [String] { ["ip", "netns", "exec", name] }

    /// Runs a program on this host and waits for its end.
    /// - Returns: its standard output.
    /// - Throws: `TestFailure` with the program's standard error when it fails.
    @discardableResult
    package func run(_ words: String...) throws -> String { try run(words) }

    @discardableResult
    package func run(_ words: [String]) throws -> String { try NetworkHost.run(command + words) }

    /// Replaces the file of this name in /etc, such as `hosts`, for what runs on this host. The first call has to come
    /// before the program in question is started. The program sees later changes.
    package func replaceInEtc(_ file: String, _ text: String) throws {
        // Tried twice: another test process may remove the shared directory at this moment, because it was empty.
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
