internal import Glibc

/// Reports a change of state to the service manager, such as "READY=1" or "STOPPING=1", by the protocol of
/// sd_notify(3): one datagram to the socket in $NOTIFY_SOCKET, which is a path or, after "@", an abstract name.
///
/// Never blocks: if the manager's queue is full, the error has the code EAGAIN, and the caller may try again.
/// - Parameter socket: where to send; by default what the environment says.
/// - Returns: false if nobody asked to be notified.
/// - Throws: `SystemError` when it could not be sent.
@discardableResult
package func sdNotify(
    _ state: String, socket: String? = environmentVariable("NOTIFY_SOCKET")
) throws(SystemError) -> Bool {
    guard let socket, !socket.isEmpty else { return false }
    let operation = "notify the service manager at \(socket)"
    let address: UnixAddress? =
        switch socket.first {
        case "/": UnixAddress(path: socket)
        case "@": UnixAddress(abstractName: String(socket.dropFirst()))
        // systemd in virtual machines also has "vsock:", which no service inside of one gets.
        default: nil
        }
    guard let address else { throw SystemError(operation: operation, code: EAFNOSUPPORT) }
    let number = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard number >= 0 else { throw .last(operation) }
    let descriptor = Descriptor(owning: number)
    let bytes = Array(state.utf8)
    let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
    let sent = address.withSocketAddress { pointer, length in
        retrying { sendto(descriptor.number, bytes, bytes.count, flags, pointer, length) }
    }
    guard sent == bytes.count else { throw .last(operation) }
    return true
}

/// Whether output to this descriptor goes to systemd's journal: $JOURNAL_STREAM names the journal's device and inode
/// (systemd.exec(5)). If the output of a service was redirected, the variable is set, but the descriptor is another
/// one.
package func isJournal(
    _ descriptor: Int32, stream: String? = environmentVariable("JOURNAL_STREAM")
) -> Bool {
    guard let stream else { return false }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return false }
    return stream == "\(status.st_dev):\(status.st_ino)"
}

/// The longest interval, in microseconds, at which the service manager expects "WATCHDOG=1" (sd_watchdog_enabled(3)).
/// It should be sent at half of this interval. nil if it is not expected, or is expected from another process.
package func watchdogMicroseconds(
    _ variable: (String) -> String? = environmentVariable
) -> UInt64? {
    guard let interval = variable("WATCHDOG_USEC").flatMap({ UInt64($0) }), interval > 0 else { return nil }
    if let owner = variable("WATCHDOG_PID"), Int32(owner) != getpid() { return nil }
    return interval
}
