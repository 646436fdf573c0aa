internal import Glibc

/// A stream socket of a test, connected to a Unix path or a port of the loopback. Every call has a deadline. The
/// descriptor is closed with the last reference.
///
/// Not for use by two threads at once.
package final class TestSocket {
    package private(set) var descriptor: Int32

    /// - Throws: `TestFailure` when nobody listens at `path`.
    package init(unix path: String) throws {
        descriptor = Glibc.socket(AF_UNIX, streamType, 0)
        try withUnixAddress(path) { address, length in
            guard Glibc.connect(descriptor, address, length) == 0 else {
                throw TestFailure("connect \(path): \(errnoText())")
            }
        }
    }

    /// - Throws: `TestFailure` when nobody listens on `port` of 127.0.0.1.
    package init(port: UInt16) throws {
        descriptor = Glibc.socket(AF_INET, streamType, 0)
        try withLoopbackAddress(port) { address, length in
            if Glibc.connect(descriptor, address, length) == 0 { return }
            guard errno == EINPROGRESS else { throw TestFailure("connect \(port): \(errnoText())") }
            _ = wait(for: POLLOUT, until: TestDeadline())
            var failure: Int32 = 0
            var size = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failure, &size)
            guard failure == 0 else {
                throw TestFailure("connect \(port): \(String(cString: strerror(failure)))")
            }
        }
    }

    /// Takes over an accepted socket, which has to be non-blocking.
    init(owning descriptor: Int32) { self.descriptor = descriptor }

    deinit { close() }

    /// Closes the socket now. Further calls fail.
    package func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }

    /// Shuts down the write side: the peer reads the end of the stream.
    package func shutdownWriting() { Glibc.shutdown(descriptor, Int32(SHUT_WR)) }

    /// Writes everything.
    /// - Throws: `TestFailure` when the peer is gone or takes no more within `seconds`.
    package func write(_ bytes: [UInt8], within seconds: Double = TestDeadline.patience) throws {
        let deadline = TestDeadline(within: seconds)
        var sent = 0
        while sent < bytes.count {
            sent += try writeSome(bytes[sent...])
            if sent < bytes.count, !wait(for: POLLOUT, until: deadline) {
                throw TestFailure("the peer took \(sent) of \(bytes.count) bytes within \(seconds) s")
            }
        }
    }

    /// Writes what the kernel takes now, which may be nothing.
    /// - Returns: how many bytes it took.
    /// - Throws: `TestFailure` when the peer is gone.
    package func writeSome(_ bytes: ArraySlice<UInt8>) throws -> Int {
        let count = bytes.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        if count >= 0 { return count }
        guard errno == EAGAIN || errno == EINTR else { throw TestFailure("write: \(errnoText())") }
        return 0
    }

    /// Whether the kernel takes bytes now, or within `seconds`.
    package func canWrite(within seconds: Double) -> Bool {
        wait(for: POLLOUT, until: TestDeadline(within: seconds))
    }

    /// Reads the bytes that have arrived, after waiting for the first byte.
    /// - Returns: nil if nothing came within `seconds`; an empty array at the end of the stream.
    /// - Throws: `TestFailure` when the connection broke.
    package func read(atMost limit: Int = 262_144, within seconds: Double) throws -> [UInt8]? {
        let deadline = TestDeadline(within: seconds)
        while true {
            let bytes = try [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
                let got = recv(descriptor, buffer.baseAddress, limit, 0)
                guard got >= 0 || errno == EAGAIN || errno == EINTR else {
                    throw TestFailure("read: \(errnoText())")
                }
                atEnd = got == 0
                count = max(got, 0)
            }
            if !bytes.isEmpty || atEnd { return bytes }
            guard wait(for: POLLIN, until: deadline) else { return nil }
        }
    }

    /// Whether the last read reached the end of the stream.
    package private(set) var atEnd = false

    /// Waits until the peer has read every byte that was written. The kernel counts the unread bytes of a Unix socket.
    /// - Throws: `TestFailure` when some are still unread after `seconds`.
    package func waitUntilPeerHasRead(within seconds: Double = TestDeadline.patience) throws {
        let deadline = TestDeadline(within: seconds)
        var unread: Int32 = 1
        while ioctl(descriptor, UInt(TIOCOUTQ), &unread) == 0, unread > 0 {
            if deadline.isOver { throw TestFailure("\(unread) bytes still unread after \(seconds) s") }
            usleep(100)
        }
    }

    private func wait(for events: Int32, until deadline: TestDeadline) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        while true {
            let left = deadline.remainingMilliseconds
            if poll(&entry, 1, left) > 0 { return true }
            if left == 0 { return false }
        }
    }
}
