internal import Logging
internal import Posix

/// The path of a listening Unix socket while the relay runs. Any process that may write to its directory can delete the
/// path, or put something else in its place. Then nobody can connect, though everything else works. So this is
/// reported, and repaired if possible.
struct WatchedPath {
    let socket: any ListeningPath
    /// Why nobody can connect; nil if clients can.
    private(set) var problem: String?
    private var nextLook: UInt64 = 0
    private let logger: Logger

    private static let interval: UInt64 = 500_000_000
    /// To find out that another program serves the path, the relay must connect to it. So that is done less often.
    private static let intervalWhileTaken: UInt64 = 5_000_000_000

    init(_ socket: any ListeningPath, logger: Logger) { (self.socket, self.logger) = (socket, logger) }

    /// Checks whether the path still leads to our socket, if a check is due, and binds it again if not.
    /// - Returns: whether there is a new socket to listen on.
    mutating func look(now: UInt64) -> Bool {
        guard now >= nextLook else { return false }
        nextLook = now + Self.interval
        if socket.isOurs {
            if problem != nil { mended("it is ours again") }
            return false
        }
        do throws(SocketPathError) {
            try socket.bindAgain()
            if problem == nil {
                logger.warning(
                    "the socket's path no longer led to this relay, and was bound again",
                    metadata: ["socket": "\(socket.path)"])
            } else {
                mended("it was bound again")
            }
            problem = nil
            return true
        } catch {
            if case .live = error { nextLook = now + Self.intervalWhileTaken }
            failed("\(error)")
            return false
        }
    }

    /// Notes and logs why nobody can connect. Callers report that a new socket is at the path but cannot be listened
    /// on.
    mutating func failed(_ reason: String) {
        guard problem != reason else { return }
        problem = reason
        logger.warning(
            "nobody can connect: the socket's path no longer leads to this relay",
            metadata: ["socket": "\(socket.path)", "reason": "\(reason)"])
    }

    private mutating func mended(_ how: String) {
        problem = nil
        logger.notice("clients can connect to the socket again: \(how)", metadata: ["socket": "\(socket.path)"])
    }
}
