internal import Glibc
internal import Synchronization

/// A server for tests of what a real Redis does not do. It speaks as much of the protocol as a relay needs. A test
/// replaces single answers, cuts connections in the middle of a reply, and counts the commands that came.
///
/// It runs on a thread of its own until the last reference goes.
package final class FakeRedisServer: Sendable {
    /// Which link of the relay a connection is, by the name that the relay gives it (CLIENT SETNAME).
    package enum Link: Sendable { case publish, subscribe, other }

    /// One command as it came. When a connection has just been made, the script is asked with a command without words.
    package struct Command: Sendable {
        package let words: [String]
        package let link: Link
        /// Whether the connection has subscriptions.
        package let isSubscribed: Bool

        /// In upper case; empty for a connection that has just been made.
        package var verb: String { words.first?.uppercased() ?? "" }
    }

    /// What the server does with one command.
    package enum Answer: Sendable {
        /// The answer that Redis would give.
        case usual
        /// These bytes, in place of the answer.
        case bytes([UInt8])
        /// These bytes in place of the answer, and then the end of the connection.
        case last([UInt8])
        case nothing

        package static func text(_ text: String) -> Answer { .bytes(Array(text.utf8)) }
    }

    package typealias Script = @Sendable (Command) -> Answer
    /// How many bytes a connection sends before it is cut, by its link and its number among that link's connections;
    /// nil if there is no limit.
    package typealias Cut = @Sendable (Link, Int) -> Int?

    struct Shared {
        var script: Script
        var cut: Cut = { _, _ in nil }
        var ambushes: [(verb: String, link: Link, answer: Answer)] = []
        var announcements: [(channel: String, payload: String)] = []
        var isCutting = false
        var connections: [Link: Int] = [:]
        var accepted = 0
        var commands: [Link: [String: Int]] = [:]
    }

    /// The state that the test and the server's thread share.
    final class Desk: Sendable {
        let shared: Mutex<Shared>
        init(_ script: @escaping Script) { shared = Mutex(Shared(script: script)) }
    }

    package let address: RedisServer.Address
    private let directory: TemporaryDirectory
    private let desk: Desk
    private let thread: Background

    /// Listens at once.
    /// - Parameters:
    ///   - onPort: whether it listens on TCP, on a free port of the loopback, in place of a Unix socket.
    ///   - script: asked about every command, on the server's thread. It must not wait for anything.
    /// - Throws: `TestFailure` when it cannot listen.
    package init(onPort: Bool = false, script: @escaping Script = { _ in .usual }) throws {
        let directory = try TemporaryDirectory()
        let desk = Desk(script)
        address = onPort ? .port(try freePort()) : .unix(directory.path(of: "fake"))
        let listener = try FakeRedisLoop.listen(address)
        (self.directory, self.desk) = (directory, desk)
        thread = try Background {
            let loop = FakeRedisLoop(listener: listener, desk: desk)
            return { loop.turn(milliseconds: 50) }
        }
    }

    deinit { try? thread.stop() }

    /// What `--redis` takes.
    package var url: String {
        switch address {
        case .unix(let path): "unix://\(path)"
        case .port(let port): "redis://127.0.0.1:\(port)"
        }
    }

    /// Replaces the script, for commands that come from now on.
    package func follow(_ script: @escaping Script) { desk.shared.withLock { $0.script = script } }

    /// Behaves like Redis from now on.
    package func behave() {
        desk.shared.withLock {
            $0.script = { _ in .usual }
            $0.cut = { _, _ in nil }
            $0.ambushes = []
        }
    }

    /// Answers the next command of this kind on this link in this way, once, whatever the script says.
    package func ambush(_ verb: String, on link: Link, with answer: Answer) {
        desk.shared.withLock { $0.ambushes.append((verb, link, answer)) }
    }

    /// Whether every `ambush` has been used.
    package var isAmbushOver: Bool { desk.shared.withLock { $0.ambushes.isEmpty } }

    /// Cuts the connections that are made from now on in the middle of their output.
    package func cutShort(_ cut: @escaping Cut) { desk.shared.withLock { $0.cut = cut } }

    /// Publishes a message that comes from no client.
    package func announce(channel: String, _ payload: String) {
        desk.shared.withLock { $0.announcements.append((channel, payload)) }
    }

    /// Ends all current connections.
    package func cutConnections() { desk.shared.withLock { $0.isCutting = true } }

    /// How many connections have been accepted, whether or not they have sent a name.
    package var connectionsMade: Int { desk.shared.withLock { $0.accepted } }

    /// How many connections have sent a name of this link.
    package func connectionsMade(_ link: Link) -> Int { desk.shared.withLock { $0.connections[link, default: 0] } }

    /// How many commands of this kind have come on this link.
    package func count(_ verb: String, on link: Link) -> Int {
        desk.shared.withLock { $0.commands[link]?[verb] ?? 0 }
    }
}
