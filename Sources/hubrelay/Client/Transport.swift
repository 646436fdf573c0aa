internal import Posix

/// A connection of a small command, whose failures are sentences.
struct Transport: ~Copyable {
    private var connection: BlockingConnection

    static func unix(path: String, timeout: UInt64, hint: String) throws(CommandFailure) -> Transport {
        do throws(SystemError) {
            return Transport(connection: try BlockingConnection.unix(path: path, timeout: timeout))
        } catch {
            throw .failed("\(error); \(hint)")
        }
    }

    static func tcp(host: String, port: UInt16, timeout: UInt64, hint: String) throws(CommandFailure)
        -> Transport
    {
        do throws(SystemError) {
            return Transport(connection: try BlockingConnection.tcp(host: host, port: port, timeout: timeout))
        } catch {
            throw .failed("\(error); \(hint)")
        }
    }

    /// - Throws: ``CommandFailure`` when the peer has gone, or doesn't take everything in time.
    mutating func write(_ bytes: [UInt8], before deadline: UInt64) throws(CommandFailure) {
        do throws(SystemError) { try connection.write(bytes, deadline: deadline) } catch {
            throw .failed("\(error)")
        }
    }

    /// What has come, at least one byte; none at the end of the stream; nil when nothing came before the deadline.
    ///
    /// - Throws: ``CommandFailure`` when the connection broke.
    mutating func read(before deadline: UInt64) throws(CommandFailure) -> [UInt8]? {
        do throws(SystemError) { return try connection.read(deadline: deadline) } catch {
            throw .failed("\(error)")
        }
    }
}
