internal import Posix

/// What a Redis server reports about itself.
struct RedisInfo: Equatable {
    var version: String?
    var pid: Int32?

    /// Asks with INFO, on a connection of its own.
    /// - Throws: `BenchmarkFailure` if nobody answers.
    static func ask(_ server: RedisServerAddress) throws(BenchmarkFailure) -> RedisInfo {
        do throws(SystemError) {
            let timeout: UInt64 = 2_000_000_000
            var connection = try BlockingConnection.tcp(host: server.host, port: server.port, timeout: timeout)
            let deadline = Clock.monotonicNanoseconds() + timeout
            try connection.write(Array("INFO server\r\n".utf8), deadline: deadline)
            var text: [UInt8] = []
            while !isWhole(text), let bytes = try connection.read(deadline: deadline), !bytes.isEmpty { text += bytes }
            return RedisInfo(reply: String(decoding: text, as: UTF8.self))
        } catch {
            throw BenchmarkFailure("Redis does not answer: \(error)")
        }
    }

    /// - Parameter reply: the reply to INFO, as it came. An error, such as NOAUTH, contains no facts.
    init(reply: String) {
        func value(_ key: String) -> String? {
            reply.split(whereSeparator: \.isNewline).first { $0.hasPrefix(key + ":") }
                .map { String($0.dropFirst(key.count + 1)) }
        }
        version = value("valkey_version").map { "\($0) (Valkey)" } ?? value("redis_version")
        pid = value("process_id").flatMap { Int32($0) }
    }

    /// Whether a bulk string, or an error, is complete.
    private static func isWhole(_ reply: [UInt8]) -> Bool {
        guard let end = reply.firstIndex(of: UInt8(ascii: "\n")) else { return false }
        guard reply[0] == UInt8(ascii: "$") else { return true }
        let length = Int(String(decoding: reply[1..<end], as: UTF8.self).filter(\.isNumber)) ?? 0
        return reply.count >= end + 1 + length + 2
    }
}
