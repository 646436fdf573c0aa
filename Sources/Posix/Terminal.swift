internal import CPosix
internal import Glibc

/// The terminal that a command runs in, when the command uses its whole screen. Keys come as they are typed, and what
/// was on the screen is there again afterwards.
///
/// While it is in use, signals that end, stop or resize the process come as events. So no user is left with a terminal
/// that shows no cursor and echoes nothing.
package final class Terminal {
    package enum Event: Equatable {
        /// A byte that was typed.
        case key(UInt8)
        case resized
        /// Ctrl-C, a signal of a service manager, or the terminal is gone: the command should end.
        case ended
        /// The process was stopped, and continues now.
        case continued
        case timeout
    }

    private let input = STDIN_FILENO
    private let output = STDOUT_FILENO
    private let signals: Int32
    private var saved = termios()
    private var isInUse = false
    private static let watched = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH]

    /// Whether stdin and stdout are both a terminal that a screen can be drawn on.
    package static var isUsable: Bool {
        isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1
            && !["", "dumb"].contains(environmentVariable("TERM") ?? "")
    }

    /// - Throws: `SystemError` when standard input is not a terminal.
    package init() throws(SystemError) {
        var set = sigset_t()
        sigemptyset(&set)
        for number in Self.watched { sigaddset(&set, number) }
        guard tcgetattr(input, &saved) == 0 else { throw .last("read the settings of the terminal") }
        sigprocmask(SIG_BLOCK, &set, nil)
        signals = signalfd(-1, &set, Int32(SFD_CLOEXEC) | Int32(SFD_NONBLOCK))
        guard signals >= 0 else { throw .last("watch signals") }
    }

    deinit {
        leave()
        close(signals)
    }

    /// Takes the screen.
    package func enter() throws(SystemError) {
        guard !isInUse else { return }
        var settings = saved
        // Ctrl-C and Ctrl-Z still send signals.
        settings.c_lflag &= ~tcflag_t(ICANON | ECHO)
        withUnsafeMutableBytes(of: &settings.c_cc) { keys in
            keys[Int(VMIN)] = 1
            keys[Int(VTIME)] = 0
        }
        guard tcsetattr(input, TCSADRAIN, &settings) == 0 else { throw .last("set the terminal") }
        isInUse = true
        // Switch to the other screen, and hide the cursor.
        try draw("\u{1b}[?1049h\u{1b}[?25l\u{1b}[2J")
    }

    /// Gives the screen back as it was. Idempotent.
    package func leave() {
        guard isInUse else { return }
        isInUse = false
        try? draw("\u{1b}[0m\u{1b}[?25h\u{1b}[?1049l")
        _ = tcsetattr(input, TCSADRAIN, &saved)
    }

    /// Writes text, with the sequences that move the cursor.
    package func draw(_ text: String) throws(SystemError) { try writeAll(output, Array(text.utf8)) }

    /// How many lines and columns there are; 24 and 80 if the terminal does not say.
    package var size: (rows: Int, columns: Int) {
        var (rows, columns): (UInt16, UInt16) = (0, 0)
        guard hubrelay_window_size(output, &rows, &columns) == 0, rows > 0, columns > 0 else { return (24, 80) }
        return (Int(rows), Int(columns))
    }

    /// Waits for the next event.
    /// - Parameter nanoseconds: how long at most.
    package func next(within nanoseconds: UInt64) throws(SystemError) -> Event {
        let deadline = Clock.monotonicNanoseconds() + nanoseconds
        while true {
            var watched = [input, signals].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            let now = Clock.monotonicNanoseconds()
            let milliseconds = now < deadline ? (deadline - now + 999_999) / 1_000_000 : 0
            guard retrying({ poll(&watched, 2, Int32(clamping: milliseconds)) }) > 0 else { return .timeout }
            if watched[1].revents != 0, let event = try signalEvent() { return event }
            guard watched[0].revents != 0 else { continue }
            var key: UInt8 = 0
            return retrying({ read(input, &key, 1) }) == 1 ? .key(key) : .ended
        }
    }

    private func signalEvent() throws(SystemError) -> Event? {
        var info = signalfd_siginfo()
        let count = retrying { read(signals, &info, MemoryLayout<signalfd_siginfo>.size) }
        guard count == MemoryLayout<signalfd_siginfo>.size else { return nil }
        switch Int32(info.ssi_signo) {
        case SIGWINCH: return .resized
        case SIGTSTP:
            leave()
            // The process continues here once the shell has put it into the foreground again.
            raise(SIGSTOP)
            try enter()
            return .continued
        case SIGCONT:
            // Other processes can stop us, too. The shell has used the terminal in the meantime.
            isInUse = false
            try enter()
            return .continued
        default: return .ended
        }
    }
}
