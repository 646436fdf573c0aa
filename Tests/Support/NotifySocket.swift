internal import Glibc

/// The socket of a service manager that is told about its services (sd_notify(3)).
package final class NotifySocket {
    /// What NOTIFY_SOCKET is set to.
    package let path: String
    private let descriptor: Int32

    /// - Throws: `TestFailure` when it cannot be made in `directory`.
    package init(in directory: TemporaryDirectory) throws {
        path = directory.path(of: "notify")
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        try withUnixAddress(path) { address, length in
            guard bind(descriptor, address, length) == 0 else { throw TestFailure("bind: \(errnoText())") }
        }
    }

    deinit { close(descriptor) }

    /// What `systemctl status` was to show last.
    package private(set) var status = ""

    /// The next state that is told, but for STATUS, nil when none comes within `seconds`.
    package func next(within seconds: Double) -> String? {
        let deadline = TestDeadline(within: seconds)
        var bytes = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(descriptor, &bytes, bytes.count, 0)
            if count >= 0 {
                let state = String(decoding: bytes[..<count], as: UTF8.self)
                guard state.hasPrefix("STATUS=") else { return state }
                status = String(state.dropFirst("STATUS=".count))
                continue
            }
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let left = deadline.remainingMilliseconds
            if left == 0 { return nil }
            poll(&entry, 1, left)
        }
    }
}
