internal import Glibc

/// Where the lines of a log go: each is written whole or not at all, and nobody ever waits for it.
///
/// A line that finds no room, because whoever reads the log has stopped, is dropped and counted; once there is room again,
/// a line says how many there were. How room is found without waiting depends on what the descriptor is:
///
/// - A pipe or a terminal is opened once more by `/proc/self/fd`, which gives a description of our own that can be
///   non-blocking. To make the one that we were given non-blocking would make it so for everybody who shares it: the
///   parent, and the processes beside us.
/// - Where that is not allowed (a pipe of another user, no `/proc`), it is polled first: a pipe that polls as writable has
///   room for a line of `maxLineBytes`. Only another writer who takes that room in the moment between can make us wait.
/// - A socket, which cannot be opened once more, is told with each call not to wait.
/// - A file is just written to.
package final class LogOutput {
    /// What a pipe takes whole or not at all (PIPE_BUF); with the end of the line.
    package static let maxLineBytes = 4096

    private enum Way { case nonBlocking, polled, socket, plain }

    /// Lines that were not written since the start.
    package private(set) var dropped: UInt64 = 0
    /// Makes the line that says how many were dropped, without its end.
    package var notice: (_ lines: UInt64) -> String = { "\($0) log lines were dropped" }
    /// Dropped lines that no line has told of.
    private var untold: UInt64 = 0
    /// The rest of a line of which a part was taken, as some sockets and terminals do. It comes before anything else.
    private var rest: ArraySlice<UInt8> = []
    private let descriptor: Int32
    private let way: Way

    /// - Parameter given: stays open as long as this lives.
    /// - Parameter isOpenedAnew: false as if that were not allowed.
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

    /// Writes a line, to which its end is added, if there is room for it.
    package func write(_ line: String) {
        guard tellOfDropped(), writeWhole(line) else {
            dropped += 1
            untold += 1
            return
        }
    }

    /// Tells of dropped lines, if there are any and there is room again. To be called now and then.
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
                // Its end is missing, whatever comes.
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
