internal import Glibc

/// This process as the file system sees it: its effective user and its groups.
package struct ProcessIdentity: Equatable, CustomStringConvertible {
    package let user: UInt32
    /// The effective group first. No group is there twice.
    package let groups: [UInt32]
    /// Whether it may give files to any group: CAP_CHOWN, which root has unless it was taken away.
    package let mayGiveAway: Bool

    package static func current() -> ProcessIdentity {
        var supplementary = [gid_t](repeating: 0, count: Int(max(0, getgroups(0, nil))))
        let count = getgroups(Int32(supplementary.count), &supplementary)
        var groups = [getegid()]
        for group in supplementary.prefix(Int(max(0, count))) where !groups.contains(group) { groups.append(group) }
        return ProcessIdentity(user: geteuid(), groups: groups, mayGiveAway: hasCapability(0))
    }

    /// Whether it may give a file of its own to this group.
    package func mayGive(to group: UInt32) -> Bool { mayGiveAway || groups.contains(group) }

    /// The end of a sentence, saying that the process may not read a file; empty if that is not so.
    package func lackOfReading(_ path: String) -> String {
        let number = retrying { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) }
        guard number < 0 else {
            close(number)
            return ""
        }
        return errno == EACCES ? "; \(self), may not read it" : ""
    }

    /// `user hubrelay (998), groups chat (1001), adm (4)`
    package var description: String {
        let names = groups.map { Self.shown(name: groupName($0), id: $0) }
        return "user \(Self.shown(name: userName(user), id: user)), group\(names.count == 1 ? "" : "s") "
            + names.joined(separator: ", ")
    }

    private static func shown(name: String?, id: UInt32) -> String { name.map { "\($0) (\(id))" } ?? "\(id)" }

    /// Whether the process has a capability of capabilities(7), given by its number; false if /proc is not mounted.
    private static func hasCapability(_ number: Int) -> Bool {
        guard let status = readWholeFile("/proc/self/status") else { return false }
        let line = status.split(separator: "\n").first { $0.hasPrefix("CapEff:") }
        guard let word = line?.split(separator: "\t").last, let mask = UInt64(word, radix: 16) else { return false }
        return mask & (1 << UInt64(number)) != 0
    }
}

/// The name of a user (getpwuid_r(3)); nil if it has none.
func userName(_ id: UInt32) -> String? {
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    var buffer = [CChar](repeating: 0, count: 16 * 1024)
    guard getpwuid_r(id, &entry, &buffer, buffer.count, &found) == 0, found != nil, let name = entry.pw_name else {
        return nil
    }
    return String(cString: name)
}

/// The name of a group (getgrgid_r(3)); nil if it has none.
func groupName(_ id: UInt32) -> String? {
    var entry = group()
    var found: UnsafeMutablePointer<group>?
    var buffer = [CChar](repeating: 0, count: 64 * 1024)
    guard getgrgid_r(id, &entry, &buffer, buffer.count, &found) == 0, found != nil, let name = entry.gr_name else {
        return nil
    }
    return String(cString: name)
}
