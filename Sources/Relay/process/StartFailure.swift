internal import Configuration
internal import Logging
internal import Posix
internal import TLS

/// Why a relay did not start, and the exit code that follows from that.
struct StartFailure {
    private let error: any Error

    init(_ error: any Error) { self.error = error }

    /// 64 (EX_USAGE of sysexits.h) if the cause lasts until somebody changes something, such as a setting, a path or
    /// its rights: another start would not help. 1 if a start may succeed a moment later.
    var exitCode: Int32 { isLasting ? 64 : 1 }

    private var isLasting: Bool {
        switch error {
        case is TLSError, is DescriptorShortage, is PassedSocketError: true
        case let error as SocketPathError: error.isLasting
        case let error as ListeningSocketError: error.isLasting
        case let error as GroupError: error.isLasting
        default: false
        }
    }

    /// Whether the cause is that another relay, which may be about to leave, holds this path.
    func isOfLock(at path: String) -> Bool {
        if case SocketPathError.locked(path, _) = error { true } else { false }
    }

    /// The text for people. It includes the user and its groups if their rights were not sufficient.
    var text: String {
        switch error {
        case let error as SocketPathError: "\(error)\(error.rights(of: .current()))"
        case let error as ListeningSocketError: "\(error)\(error.rights(of: .current()))"
        default: "\(error)"
        }
    }
}

/// The waits of a relay for the path of its socket while another relay holds it: a little over three seconds in all. A
/// service manager that restarts relays may then do so at once, and any number of times.
struct StartRetry {
    private let path: String
    /// Milliseconds.
    private var pauses: [UInt64]
    private var isToldOf = false

    init(_ path: String, pauses: [UInt64] = [100, 200, 400, 800, 1600]) { (self.path, self.pauses) = (path, pauses) }

    /// Waits until the next attempt. This blocks, which does no harm: nothing is open yet.
    /// - Returns: whether there is a next attempt.
    mutating func wait(after failure: StartFailure, _ logger: Logger) -> Bool {
        guard failure.isOfLock(at: path), !pauses.isEmpty else { return false }
        if !isToldOf {
            let milliseconds = pauses.reduce(0, +)
            logger.notice(
                "the socket's path is in use: trying again",
                metadata: ["error": "\(failure.text)", "for": "\(milliseconds)ms"])
        }
        isToldOf = true
        Clock.sleep(nanoseconds: pauses.removeFirst() * 1_000_000)
        return true
    }
}
