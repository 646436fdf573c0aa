internal import Glibc

/// The socket of a service manager, on which services report their state (sd_notify(3)).
package final class NotifySocket {
    /// The value of NOTIFY_SOCKET.
    package let path: String
    private let descriptor: Int32

    /// - Throws: `TestFailure` when the socket cannot be made in `directory`.
    package init(in directory: TemporaryDirectory) throws {
        path = directory.path(of: "notify")
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        try withUnixAddress(path) { address, length in
            guard bind(descriptor, address, length) == 0 else { throw TestFailure("bind: \(errnoText())") }
        }
    }

    deinit { close(descriptor) }

    /// The last text that the relay gave for `systemctl status`.
    package private(set) var status = ""

    /// States that `wait(forStatus:within:)` read on its way, the oldest first.
    private var unread: [String] = []

    /// The next state that is reported, without STATUS; nil if none comes within `seconds`.
    package func next(within seconds: Double) -> String? {
        let deadline = TestDeadline(within: seconds)
        repeat {
            if !unread.isEmpty { return unread.removeFirst() }
        } while read(until: deadline)
        return nil
    }

    /// Waits until the text for `systemctl status` begins with `prefix`. The relay reports a change up to a second
    /// after the previous one, and later when the machine is busy.
    /// - Returns: whether it came within `seconds`.
    package func wait(forStatus prefix: String, within seconds: Double = TestDeadline.patience) -> Bool {
        let deadline = TestDeadline(within: seconds)
        while !status.hasPrefix(prefix) {
            guard read(until: deadline) else { return false }
        }
        return true
    }

    /// Reads one message.
    /// - Returns: false when none comes in time.
    private func read(until deadline: TestDeadline) -> Bool {
        var bytes = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(descriptor, &bytes, bytes.count, 0)
            if count >= 0 {
                let state = String(decoding: bytes[..<count], as: UTF8.self)
                if state.hasPrefix("STATUS=") {
                    status = String(state.dropFirst("STATUS=".count))
                } else {
                    unread.append(state)
                }
                return true
            }
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let left = deadline.remainingMilliseconds
            if left == 0 { return false }
            poll(&entry, 1, left)
        }
    }
}
