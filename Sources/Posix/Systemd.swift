internal import Glibc

/// Tells the service manager a change of state, such as "READY=1" or "STOPPING=1", by the protocol of
/// sd_notify(3): one datagram to the socket in $NOTIFY_SOCKET, a path or, after "@", an abstract name.
///
/// Never blocks: where the manager's queue is full, the error has the code EAGAIN and the caller may try
/// again.
/// - Parameter socket: where to send; by default what the environment says.
/// - Returns: false where nobody asked to be told.
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
        // systemd of virtual machines also has "vsock:", which no service inside of one is given.
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

/// Whether what is written to this descriptor goes to systemd's journal: $JOURNAL_STREAM names its device and inode
/// (systemd.exec(5)). Whoever redirects the output of a service has the variable, and another descriptor.
package func isJournal(
    _ descriptor: Int32, stream: String? = environmentVariable("JOURNAL_STREAM")
) -> Bool {
    guard let stream else { return false }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return false }
    return stream == "\(status.st_dev):\(status.st_ino)"
}

/// How often the service manager expects "WATCHDOG=1" at the latest, in microseconds
/// (sd_watchdog_enabled(3)); to be sent in half of this time. Nil where it expects none, or expects it from
/// another process.
package func watchdogMicroseconds(
    _ variable: (String) -> String? = environmentVariable
) -> UInt64? {
    guard let interval = variable("WATCHDOG_USEC").flatMap({ UInt64($0) }), interval > 0 else { return nil }
    if let owner = variable("WATCHDOG_PID"), Int32(owner) != getpid() { return nil }
    return interval
}
