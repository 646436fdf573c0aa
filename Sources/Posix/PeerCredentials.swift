internal import CPosix
internal import Glibc

/// Who is at the other end of a Unix stream socket, as the kernel recorded it at connect(2) (unix(7)).
package struct PeerCredentials: Equatable {
    /// Process id; 0 if the peer is in another pid namespace. Only for people, because the process may have exited
    /// since.
    package let pid: Int32
    package let uid: UInt32
    /// The effective group.
    package let gid: UInt32
    /// The supplementary groups. Empty on kernels that do not report them (before 4.13).
    package let groups: [UInt32]

    /// Whether the peer's effective or a supplementary group is `group`.
    package func belongs(to group: UInt32) -> Bool { gid == group || groups.contains(group) }
}

extension PeerCredentials {
    /// Reads SO_PEERCRED and SO_PEERGROUPS of a connected Unix stream socket.
    ///
    /// On a socket of another family the kernel answers with pid 0 and uid and gid 4294967295.
    /// - Throws: `SystemError` when `descriptor` is not a socket, or the kernel has no memory left.
    package init(descriptor: Int32) throws(SystemError) {
        var credentials = hubrelay_ucred()
        var length = socklen_t(MemoryLayout<hubrelay_ucred>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0 else {
            throw .last("read the credentials of a peer")
        }
        self.init(
            pid: credentials.pid, uid: credentials.uid, gid: credentials.gid,
            groups: try Self.readGroups(descriptor))
    }

    private static func readGroups(_ descriptor: Int32) throws(SystemError) -> [UInt32] {
        var groups = [UInt32](repeating: 0, count: 32)
        while true {
            var length = socklen_t(groups.count * MemoryLayout<UInt32>.stride)
            let result = getsockopt(descriptor, SOL_SOCKET, SO_PEERGROUPS, &groups, &length)
            let needed = Int(length) / MemoryLayout<UInt32>.stride
            if result == 0 { return Array(groups.prefix(needed)) }
            switch errno {
            case ERANGE:
                // The kernel has written the size that it needs; a process has at most 65,536 groups.
                groups = [UInt32](repeating: 0, count: max(needed, groups.count * 2))
            case ENOPROTOOPT, ENODATA, EOPNOTSUPP:
                return []
            default:
                throw .last("read the groups of a peer")
            }
        }
    }
}
