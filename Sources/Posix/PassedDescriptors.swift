internal import Glibc

/// The descriptors that a service manager has opened for this process, from 3 on (sd_listen_fds(3)).
package struct PassedDescriptors {
    /// The number of the first one.
    package static let first: Int32 = 3

    /// 0 if none were passed, or they were passed to another process: $LISTEN_PID says to which one.
    package let count: Int

    /// Takes the descriptors. They become close-on-exec, and the variables are removed, so that no other process takes
    /// them for its own. To be called once.
    /// - Throws: `PassedSocketError.count` if $LISTEN_FDS is for us, but is not a valid number.
    package static func take(
        _ variable: (String) -> String? = environmentVariable
    ) throws(PassedSocketError) -> PassedDescriptors {
        let (owner, text) = (variable("LISTEN_PID"), variable("LISTEN_FDS"))
        for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID"] { unsetenv(name) }
        guard let text, let owner, Int32(owner) == getpid() else { return PassedDescriptors(count: 0) }
        guard let count = Int(text), (0...maxCount).contains(count) else { throw .count(text) }
        for offset in 0..<Int32(count) { _ = fcntl(first + offset, F_SETFD, FD_CLOEXEC) }
        return PassedDescriptors(count: count)
    }

    /// More than any service manager passes to a relay, so that a wrong number is not taken for one.
    private static let maxCount = 1 << 16
}

/// Why a socket that a service manager has passed cannot be used. Each text says what differs.
package enum PassedSocketError: Error, Equatable, CustomStringConvertible {
    /// There is not exactly one socket. The text is $LISTEN_FDS.
    case count(String)
    /// It is not what a relay listens on: "is a pipe or file, not a socket", ...
    case kind(String)
    /// It is bound to another path, or to none (nil).
    case path(String?, wanted: String)
    /// A setting that is only for a socket that the relay makes itself, and what sets it in a unit of systemd.
    case setting(String, inUnit: String)

    package var description: String {
        switch self {
        case .count(let text):
            "the service manager has passed \(text) sockets (LISTEN_FDS), but a relay listens on one: keep one "
                + "ListenStream= in the .socket unit"
        case .kind(let difference):
            "the socket that the service manager has passed (descriptor \(PassedDescriptors.first)) \(difference); "
                + "a relay needs a Unix stream socket that listens: ListenStream=PATH in the .socket unit"
        case .path(let bound, let wanted):
            "the socket that the service manager has passed is bound to \(bound ?? "no path"), but --socket is "
                + "\(wanted): use the same path in ListenStream= of the .socket unit and in HUBRELAY_SOCKET"
        case .setting(let flag, let inUnit):
            "\(flag) is set, and has no effect on a socket that the service manager has passed: remove it, and set "
                + "\(inUnit) in the .socket unit"
        }
    }
}
