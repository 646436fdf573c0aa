internal import Glibc

/// A group that the system does not know.
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

/// The id of a group given by name (getgrnam_r(3)), or by its decimal number, which needn't have a name.
/// A group whose name consists of digits is found by name first, as chgrp(1) does it.
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
            // The last number stands for "no change" in chown(2).
            if let number = UInt32(name), number != UInt32.max { return number }
            // These are getgrnam_r(3)'s ways of saying "not found", beside 0.
            let isAbsent = [0, ENOENT, ESRCH, EBADF, EPERM].contains(code)
            throw isAbsent ? .unknown(name: name) : .lookup(name: name, code: code)
        }
    }
}
