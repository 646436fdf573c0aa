internal import Glibc

/// Why the process that serves a path was not asked to stop.
package enum PathHolderError: Error, Equatable, CustomStringConvertible {
    /// The lock file beside the path names no process that can be seen from here.
    case unknown(path: String)
    /// Who listens at the path is not who holds its lock.
    case notTheListener(path: String, holder: Int32, listener: Int32)
    /// Nobody answers at the path now, or the system refused a step.
    case system(SystemError)

    /// Whether a moment later it may be otherwise.
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

/// The process that serves a path: it holds the lock beside it, and listens there.
package enum PathHolder {
    /// Asks it to stop by SIGTERM.
    ///
    /// The pid in the lock file is no proof: its process may have ended, and the number be another one's. So the process is
    /// held by a descriptor first, and then the kernel says who listens at the path. It says the same number only if that
    /// process lives, which then is the one that is held.
    /// - Returns: its pid.
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
