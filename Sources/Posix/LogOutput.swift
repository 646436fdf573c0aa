internal import Glibc

/// The output for the lines of a log. Each line is written whole or not at all, and the caller never waits.
///
/// If there is no room for a line, because the reader of the log has stopped, it is dropped and counted. Once there is
/// room again, a line reports how many were dropped. How to find room without waiting depends on the descriptor:
///
/// - A pipe or a terminal is opened again by `/proc/self/fd`. That gives an open file description of our own, which can
///   be non-blocking. If the given one were made non-blocking, that would affect all processes that share it: the
///   parent, and the processes beside us.
/// - If that is not allowed (a pipe of another user, no `/proc`), the descriptor is polled first: a pipe that polls as
///   writable has room for a line of `maxLineBytes`. We wait only if another writer takes that room in the moment
///   between.
/// - A socket cannot be opened again. Each call has a flag that forbids waiting.
/// - A file is simply written to.
package final class LogOutput {
    /// The most bytes that a pipe takes whole or not at all (PIPE_BUF), including the end of the line.
    package static let maxLineBytes = 4096

    private enum Way { case nonBlocking, polled, socket, plain }

    /// Lines that were not written since the start.
    package private(set) var dropped: UInt64 = 0
    /// Makes the line that reports how many were dropped, without the end of the line.
    package var notice: (_ lines: UInt64) -> String = { "\($0) log lines were dropped" }
    /// Dropped lines that have not been reported yet.
    private var untold: UInt64 = 0
    /// The rest of a line that was taken only in part, as some sockets and terminals do. It is written before anything
    /// else.
    private var rest: ArraySlice<UInt8> = []
    private let descriptor: Int32
    private let way: Way

    /// - Parameter given: must stay open as long as this object lives.
    /// - Parameter isOpenedAnew: false acts as if it were not allowed to open it again.
    package init(descriptor given: Int32, isOpenedAnew: Bool = true) {
        var status = stat()
        let kind = fstat(given, &status) == 0 ? status.st_mode & S_IFMT : 0
        switch kind {
        case S_IFSOCK: (descriptor, way) = (given, .socket)
        case _ where kind == S_IFIFO || isatty(given) == 1:
            let flags = O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY
            let own = isOpenedAnew ? retrying { open("/proc/self/fd/\(given)", flags) } : -1
            (descriptor, way) = own >= 0 ? (own, .nonBlocking) : (given, .polled)
        default: (descriptor, way) = (given, .plain)
        }
    }

    deinit { if way == .nonBlocking { close(descriptor) } }

    /// Writes a line and the end of the line, if there is room for both.
    package func write(_ line: String) {
        guard tellOfDropped(), writeWhole(line) else {
            dropped += 1
            untold += 1
            return
        }
    }

    /// Reports dropped lines, if there are any and there is room again. To be called now and then.
    package func retry() { _ = tellOfDropped() }

    /// - Returns: false when there is no room yet.
    private func tellOfDropped() -> Bool {
        if !rest.isEmpty { writeRest() }
        guard rest.isEmpty else { return false }
        guard untold > 0 else { return true }
        guard writeWhole(notice(untold)) else { return false }
        untold = 0
        return true
    }

    /// - Returns: false when none of it has been taken.
    private func writeWhole(_ line: String) -> Bool {
        let bytes = Array("\(line)\n".utf8)
        let count = bytes.withUnsafeBytes { take($0) }
        guard count > 0 else { return false }
        rest = bytes[count...]
        writeRest()
        return true
    }

    private func writeRest() {
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { take($0) }
            if count < 0, errno != EAGAIN {
                // The line stays incomplete, whatever comes.
                rest = []
                dropped += 1
                untold += 1
            }
            guard count > 0 else { return }
            rest.removeFirst(count)
        }
    }

    /// - Returns: how many bytes were taken; -1 with `errno`.
    private func take(_ bytes: UnsafeRawBufferPointer) -> Int {
        switch way {
        case .socket:
            return retrying {
                send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL))
            }
        case .polled:
            var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            guard poll(&entry, 1, 0) > 0 else {
                errno = EAGAIN
                return -1
            }
            fallthrough
        case .nonBlocking, .plain:
            return retrying { Glibc.write(descriptor, bytes.baseAddress, min(bytes.count, Self.maxLineBytes)) }
        }
    }
}
