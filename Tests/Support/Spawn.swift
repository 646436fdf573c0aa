internal import Glibc

/// `posix_spawn` with what every child of the tests gets: its standard input is empty, its outputs go to files (a pipe
/// that nobody reads would block it), and it does not inherit blocked or ignored signals of the test process.
enum Spawn {
    /// - Parameters:
    ///   - executable: a path, or a name that is looked up in PATH.
    ///   - environment: added to the environment of the test process.
    ///   - ownSession: detaches the child from the terminal and its Ctrl-C.
    /// - Returns: the process id.
    /// - Throws: `TestFailure` when the program cannot be started.
    static func start(
        _ executable: String, _ arguments: [String], environment: [String: String] = [:], input: Int32 = -1,
        output: String = "/dev/null", errors: String = "/dev/null", ownSession: Bool = false
    ) throws -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if input >= 0 {
            posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        let flags = O_WRONLY | O_CREAT | O_APPEND
        posix_spawn_file_actions_addopen(&actions, 1, output, flags, 0o644)
        posix_spawn_file_actions_addopen(&actions, 2, errors, flags, 0o644)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigdefault(&attributes, &all)
        let session: Int32 = ownSession ? 0x80 : 0  // POSIX_SPAWN_SETSID, which the module map hides
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | session))

        var words: [UnsafeMutablePointer<CChar>?] = ([executable] + arguments).map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = merged(environment).map { strdup($0) } + [nil]
        defer { (words + variables).forEach { free($0) } }
        var pid: pid_t = 0
        let failure = posix_spawnp(&pid, executable, &actions, &attributes, &words, &variables)
        guard failure == 0 else {
            throw TestFailure("cannot start \(executable): \(String(cString: strerror(failure)))")
        }
        return pid
    }

    /// The environment that this process was started with, without the relay's variables. `changes` replace variables
    /// of the same name.
    private static func merged(_ changes: [String: String]) -> [String] {
        let inherited = textOfFile("/proc/self/environ").split(separator: "\0").map(String.init)
        // Settings of the relay in the environment of the tests must not affect the children.
        let kept = inherited.filter { line in
            !line.hasPrefix("HUBRELAY_") && changes[String(line.prefix { $0 != "=" })] == nil
        }
        return kept + changes.map { "\($0.key)=\($0.value)" }
    }
}
