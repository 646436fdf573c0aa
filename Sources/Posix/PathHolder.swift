internal import Glibc

/// Why the process that serves a path was not asked to stop.
package enum PathHolderError: Error, Equatable, CustomStringConvertible {
    /// The lock file beside the path names no process that can be seen from here.
    case unknown(path: String)
    /// The process that listens at the path is not the one that holds its lock.
    case notTheListener(path: String, holder: Int32, listener: Int32)
    /// Nobody answers at the path now, or the system refused a step.
    case system(SystemError)

    /// Whether a later attempt may succeed.
    package var mayPass: Bool {
        switch self {
        case .unknown, .notTheListener: true
        case .system(let error): ![EPERM, ENOSYS].contains(error.code)
        }
    }

    package var description: String {
        switch self {
        case .unknown(let path):
            "the lock file beside \(path) names no process that is visible here; a relay in another container or pid "
                + "namespace cannot be asked to stop: stop it, and then start this one"
        case .notTheListener(let path, let holder, let listener):
            "process \(holder) holds the lock beside \(path), but "
                + (listener == 0 ? "one in another pid namespace" : "process \(listener)")
                + " listens there: neither is asked to stop"
        case .system(let error): error.code == EPERM ? "\(error); the same user is needed" : "\(error)"
        }
    }
}

/// The process that serves a path: it holds the lock beside the path, and listens there.
package enum PathHolder {
    /// Asks that process to stop, by SIGTERM.
    ///
    /// The pid in the lock file is not a proof: its process may have ended, and another process may have that pid now.
    /// So the process is opened first, and then the kernel says who listens at the path. It says the same pid only if
    /// that process lives, and then that is the process which was opened.
    /// - Returns: the pid of the process.
    package static func askToStop(path: String) throws(PathHolderError) -> Int32 {
        guard let pid = PathLock.owner(ofPath: path) else { throw .unknown(path: path) }
        let listener: Int32
        do throws(SystemError) {
            let process = try ProcessHandle(pid: pid)
            listener = try BlockingConnection.unix(path: path, timeout: 0).peer().pid
            if listener == pid {
                try process.send(signal: SIGTERM)
                return pid
            }
        } catch {
            throw .system(error)
        }
        throw .notTheListener(path: path, holder: pid, listener: listener)
    }
}
