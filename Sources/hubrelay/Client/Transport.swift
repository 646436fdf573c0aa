internal import Posix

/// A connection of a small command. Its failures are sentences for people.
struct Transport: ~Copyable {
    private var connection: BlockingConnection
    /// The other end, as the sentences name it.
    private let peer: String

    /// Connects to a Unix socket; `timeout` is in nanoseconds.
    ///
    /// - Throws: ``CommandFailure`` that ends with `hint`.
    static func unix(path: String, timeout: UInt64, hint: String) throws(CommandFailure) -> Transport {
        do throws(SystemError) {
            return Transport(connection: try .unix(path: path, timeout: timeout), peer: path)
        } catch {
            throw .failed("\(error); \(hint)")
        }
    }

    /// Connects to a numeric address; `timeout` is in nanoseconds.
    ///
    /// - Throws: ``CommandFailure`` that ends with `hint`.
    static func tcp(
        host: String, port: UInt16, timeout: UInt64, hint: String
    ) throws(CommandFailure) -> Transport {
        do throws(SystemError) {
            return Transport(
                connection: try .tcp(host: host, port: port, timeout: timeout), peer: "\(host):\(port)")
        } catch {
            throw .failed("\(error); \(hint)")
        }
    }

    private init(connection: consuming BlockingConnection, peer: String) {
        self.connection = connection
        self.peer = peer
    }

    /// Sends everything.
    ///
    /// - Throws: ``CommandFailure`` when the peer has gone, or doesn't take everything in time.
    mutating func write(_ bytes: [UInt8], before deadline: UInt64) throws(CommandFailure) {
        do throws(SystemError) {
            try connection.write(bytes, deadline: deadline)
        } catch {
            throw lost(error)
        }
    }

    /// What has come: at least one byte, or none at the end of the stream; nil if nothing came before the deadline.
    ///
    /// - Throws: ``CommandFailure`` when the connection broke.
    mutating func read(before deadline: UInt64) throws(CommandFailure) -> [UInt8]? {
        do throws(SystemError) {
            return try connection.read(deadline: deadline)
        } catch {
            throw lost(error)
        }
    }

    private func lost(_ error: SystemError) -> CommandFailure {
        .failed("the connection to \(peer) is lost: \(errorText(error.code))")
    }
}
