/// Why a Unix socket's path could not be taken. Every text names the path and what the reader can do.
package enum SocketPathError: Error, Equatable, CustomStringConvertible {
    /// Empty, ending in "/", or with a zero byte: names no file.
    case notAFileName(path: String)
    /// Longer than `sun_path` holds.
    case tooLong(path: String, bytes: Int, limit: Int)
    /// The directory of the path does not exist.
    case noDirectory(path: String, directory: String)
    /// Another process holds the lock beside the path. Has its pid, if the lock file names a process that is alive.
    case locked(path: String, pid: Int32?)
    /// Nobody holds the lock, but something accepts connections there: a program that is not a hubrelay.
    case live(path: String)
    /// Something other than a socket has the name: "a regular file", "a directory", "a symbolic link", ...
    case notASocket(path: String, kind: String)
    /// The lock file was not made by a relay of this user. It is left as it is.
    case badLockFile(path: String, problem: LockFileProblem)
    /// The service manager has made the socket, and its path does not lead to it any more. `found` is what is there
    /// instead; nil if there is nothing.
    case lostByServiceManager(path: String, found: String?)
    /// Another process waits to take the path over. Has its pid, if its lock file names a process that is alive.
    case beingTakenOver(path: String, pid: Int32?)
    /// The system refused a step.
    case system(path: String, operation: String, code: Int32)

    package var description: String {
        switch self {
        case .notAFileName(let path):
            "cannot listen on '\(path)': not the path of a file; give the full path of the socket"
        case .tooLong(let path, let bytes, let limit):
            "cannot listen on \(path): the path has \(bytes) bytes, a Unix socket's path has at most \(limit); "
                + "choose a shorter one"
        case .noDirectory(let path, let directory):
            "cannot listen on \(path): there is no directory \(directory); create it, with hubrelay's user allowed "
                + "to write to it"
        case .locked(let path, let pid):
            "cannot listen on \(path): another hubrelay\(pid.map { " (pid \($0))" } ?? "") serves it; "
                + "stop it or choose another path"
        case .live(let path):
            "cannot listen on \(path): another program accepts connections there; stop it or choose another path"
        case .notASocket(let path, let kind):
            "cannot listen on \(path): it is \(kind), not a socket; hubrelay does not remove it: "
                + "move it away or choose another path"
        case .badLockFile(let path, let problem):
            "cannot use the lock file \(path): \(problem)"
        case .lostByServiceManager(let path, let found):
            "\(path) is \(found.map { "\($0) that does not lead to this relay" } ?? "not there"); the service manager "
                + "has made the socket, and can bind it again: systemctl restart the .socket unit"
        case .beingTakenOver(let path, let pid):
            "cannot take over \(path): another hubrelay\(pid.map { " (pid \($0))" } ?? "") is about to; wait for it, "
                + "or stop it"
        case .system(let path, let operation, let code):
            "cannot listen on \(path): \(operation): \(errorText(code))"
        }
    }
}

/// What is wrong with a lock file, and what to do about it.
package enum LockFileProblem: Equatable, Sendable, CustomStringConvertible {
    /// Something other than a regular file.
    case kind(String)
    /// It has this many names: it may be a hard link to any other file.
    case names(Int)
    /// It is a file of another user.
    case owner(UInt32, notUser: UInt32)

    package var description: String {
        switch self {
        case .kind(let kind): "it is \(kind), not a regular file; move it away"
        case .names(let count):
            "it is a hard link, one of \(count) names of a file, which hubrelay would overwrite; remove this name"
        case .owner(let owner, let user):
            "it belongs to user \(owner), and hubrelay runs as user \(user); remove it if no hubrelay of that user "
                + "runs, or run hubrelay as that user"
        }
    }
}
