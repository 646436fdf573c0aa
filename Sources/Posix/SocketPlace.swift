internal import CPosix
internal import Glibc

/// The state of a place where a Unix socket is to be bound. Finding it out changes nothing there, except that a program
/// which listens there sees a connection come and go.
package enum SocketPlace: Equatable {
    /// It can be bound.
    case free
    /// Another hubrelay serves it; has its pid, if that is known. The place can be bound once that relay has gone.
    case served(pid: Int32?)
    /// The service manager listens there, and hands the socket over to the process that it starts.
    case activated
    /// It cannot be bound until somebody changes something. The text says why, and what to do.
    case refused(String)

    /// - Parameter identity: the process that is to bind it.
    package static func look(at path: String, as identity: ProcessIdentity) -> SocketPlace {
        do throws(SocketPathError) {
            return try find(path, identity)
        } catch {
            return .refused(error.reason(for: identity))
        }
    }

    private static func find(_ path: String, _ identity: ProcessIdentity) throws(SocketPathError) -> SocketPlace {
        let (directoryName, name) = try SocketPath.split(path)
        let directory = try SocketPath.open(directoryName, of: path)
        if let holder = try PathLock.holder(in: directory.number, name: name + PathLock.suffix, socketPath: path) {
            return .served(pid: holder.pid)
        }
        var status = stat()
        let isThere = fstatat(directory.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0
        if isThere, status.st_mode & S_IFMT != S_IFSOCK {
            throw .notASocket(path: path, kind: fileKind(status.st_mode))
        }
        if isThere, try isListenedOn(path) { return .activated }
        return lackOfRights(directory.number, directoryName, isThere ? status : nil, identity).map { .refused($0) }
            ?? .free
    }

    /// Whether the service manager listens at a path where there is a socket; false if nobody listens.
    private static func isListenedOn(_ path: String) throws(SocketPathError) -> Bool {
        let number = socket(AF_UNIX, streamSocketType, 0)
        guard number >= 0, let address = UnixAddress(path: path) else {
            throw .system(path: path, operation: "socket", code: errno)
        }
        let probe = Descriptor(owning: number)
        guard address.withSocketAddress({ connect(probe.number, $0, $1) }) == 0 else {
            switch errno {
            case ECONNREFUSED, ENOENT: return false
            case EAGAIN, EPROTOTYPE: throw .live(path: path)
            default: throw .system(path: path, operation: "find out whether it is in use", code: errno)
            }
        }
        // The process that called listen(2). With systemd.socket(5) it is the service manager.
        guard let listener = try? PeerCredentials(descriptor: probe.number), isServiceManager(listener.pid) else {
            throw .live(path: path)
        }
        return true
    }

    private static func isServiceManager(_ pid: Int32) -> Bool {
        pid == 1 || readWholeFile("/proc/\(pid)/comm") == "systemd\n"
    }

    /// Why no name can be made in a directory, or taken from the file that has it; nil if it can.
    private static func lackOfRights(
        _ directory: Int32, _ name: String, _ occupant: stat?, _ identity: ProcessIdentity
    ) -> String? {
        var status = stat()
        let isKnown = fstatat(directory, ".", &status, 0) == 0
        guard faccessat(directory, ".", W_OK | X_OK, AT_EACCESS) == 0 else {
            guard errno != EROFS else {
                return
                    "the file system of the directory \(name) is read-only; allowed: a directory that can be written to"
            }
            let owner = isKnown ? ", which is \(Self.rights(status))," : ""
            return
                "\(identity), may not write to the directory \(name)\(owner) and must be able to; allowed: a directory "
                + "that this user, or one of these groups, may write to"
        }
        let isSticky = status.st_mode & S_ISVTX != 0
        if let occupant, isSticky, identity.user != 0, ![occupant.st_uid, status.st_uid].contains(identity.user) {
            return
                "the socket there belongs to another user, \(Self.rights(occupant)), and the directory \(name) lets "
                + "only that user remove it (its sticky bit); \(identity), may not; allowed: another path"
        }
        return nil
    }

    /// `root:adm, mode 0755`
    private static func rights(_ status: stat) -> String {
        let mode = String(status.st_mode & 0o7777, radix: 8)
        let user = userName(status.st_uid) ?? "\(status.st_uid)"
        return "\(user):\(groupName(status.st_gid) ?? "\(status.st_gid)"), mode 0\(mode)"
    }
}

extension SocketPathError {
    /// What is wrong, without the path, and whose rights were not enough.
    package func reason(for identity: ProcessIdentity) -> String {
        let text = description
        let start = "cannot listen on \(path): "
        return (text.hasPrefix(start) ? String(text.dropFirst(start.count)) : text) + rights(of: identity)
    }

    /// Whose rights were not enough, as the end of a sentence; empty if the error is not about rights.
    package func rights(of identity: ProcessIdentity) -> String {
        switch self {
        case .system(_, _, EACCES), .system(_, _, EPERM): "; \(identity), may not"
        default: ""
        }
    }

    private var path: String {
        switch self {
        case .notAFileName(let path), .tooLong(let path, _, _), .noDirectory(let path, _), .locked(let path, _),
            .live(let path), .notASocket(let path, _), .badLockFile(let path, _), .lostByServiceManager(let path, _),
            .beingTakenOver(let path, _), .system(let path, _, _):
            path
        }
    }

    /// Whether the error stays until somebody changes something.
    package var isLasting: Bool {
        switch self {
        case .locked, .beingTakenOver, .lostByServiceManager: false
        case .system(_, _, let code): [EACCES, EPERM, EROFS, ELOOP, ENAMETOOLONG, ENOTDIR].contains(code)
        case .notAFileName, .tooLong, .noDirectory, .live, .notASocket, .badLockFile: true
        }
    }
}

extension ListeningSocketError {
    /// Whether the error stays until somebody changes something. An address that this host does not have
    /// (EADDRNOTAVAIL) may come later, as at boot.
    package var isLasting: Bool {
        switch self {
        case .notAnAddress: true
        case .inUse: false
        case .system(_, _, let code): [EACCES, EPERM, EAFNOSUPPORT].contains(code)
        }
    }

    /// Whose rights were not enough, as the end of a sentence; empty if the error is not about rights.
    package func rights(of identity: ProcessIdentity) -> String {
        switch self {
        case .system(_, _, EACCES), .system(_, _, EPERM):
            "; \(identity), may not, as for ports below 1024 without CAP_NET_BIND_SERVICE"
        default: ""
        }
    }
}

extension GroupError {
    /// Whether the error stays until somebody changes something.
    package var isLasting: Bool { if case .unknown = self { true } else { false } }
}
