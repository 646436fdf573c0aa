internal import Glibc

/// Why the id of a group was not found.
package enum GroupError: Error, Equatable, CustomStringConvertible {
    case unknown(name: String)
    /// The group database could not be read.
    case lookup(name: String, code: Int32)

    package var description: String {
        switch self {
        case .unknown(let name):
            "there is no group '\(name)' on this system; create it, or give the group's number"
        case .lookup(let name, let code):
            "cannot look up the group '\(name)': \(errorText(code)); give the group's number"
        }
    }
}

/// The id of a group that is given by name (getgrnam_r(3)) or by decimal number, which need not have a name. If a
/// group's name consists of digits, the name counts first, as in chgrp(1).
package func groupID(named name: String) throws(GroupError) -> UInt32 {
    var capacity = 1024
    while true {
        var entry = group()
        var found: UnsafeMutablePointer<group>?
        var buffer = [CChar](repeating: 0, count: capacity)
        let code = getgrnam_r(name, &entry, &buffer, buffer.count, &found)
        if found != nil { return entry.gr_gid }
        switch code {
        case ERANGE where capacity < 1 << 24:
            // A group with many members needs more room.
            capacity *= 4
        case EINTR:
            continue
        default:
            // In chown(2) the last number means "no change".
            if let number = UInt32(name), number != UInt32.max { return number }
            // In addition to 0, getgrnam_r(3) has these codes for "not found".
            let isAbsent = [0, ENOENT, ESRCH, EBADF, EPERM].contains(code)
            throw isAbsent ? .unknown(name: name) : .lookup(name: name, code: code)
        }
    }
}
