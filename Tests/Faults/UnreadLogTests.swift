import Glibc
import TestSupport
import Testing

/// The reader of the relay's standard error stops reading, or a client causes very many lines there.
@Suite struct UnreadLogTests {
    /// A named pipe, of which the test has the other end.
    private final class Log {
        let path: String
        private let descriptor: Int32

        init(in directory: TemporaryDirectory) throws {
            path = directory.path(of: "log")
            try #require(mkfifo(path, 0o600) == 0)
            descriptor = open(path, O_RDWR | O_NONBLOCK)
            try #require(descriptor >= 0)
        }

        deinit { close(descriptor) }

        /// Fills the pipe, so that it has no room for a byte.
        func fill() {
            let bytes = [UInt8](repeating: 0x0a, count: 4096)
            for size in [4096, 1] { while write(descriptor, bytes, size) > 0 {} }
        }

        /// Everything that can be read now.
        func read() -> String {
            var text: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 65536)
            while case let count = Glibc.read(descriptor, &chunk, chunk.count), count > 0 { text += chunk[..<count] }
            return String(decoding: text, as: UTF8.self)
        }

        /// A command that runs another command with this pipe as its standard error.
        var wrapper: [String] { ["/bin/sh", "-c", "exec \"$@\" 2>'\(path)'", "sh"] }
    }

    /// The number after `name=` in a line.
    private func number(_ name: String, in line: Substring) -> Int? {
        line.split(separator: " ").first { $0.hasPrefix(name + "=") }.flatMap { Int($0.dropFirst(name.count + 1)) }
    }

    @Test func theRelayGoesOnAndSaysLaterHowManyLinesAreMissing() throws {
        let redis = try RedisServer()
        let directory = try TemporaryDirectory()
        let log = try Log(in: directory)
        log.fill()
        let relay = try RelayProcess(redis: redis.url, directory: directory, wrapper: log.wrapper)
        let client = try relay.client()
        for _ in 0..<600 { try relay.connect().send(raw: [0, 0, 0, 0]) }
        try client.ping(within: TestDeadline.patience)
        #expect(try client.publish("c", "x").outcome == .ok)
        let dropped = try relay.metric("hubrelay_log_lines_dropped_total")
        #expect(dropped > 0)
        guard case .number(let inHealth)? = try relay.http("/health").json["log_lines_dropped"] else {
            throw TestFailure("/health has no log_lines_dropped")
        }
        #expect(inHealth >= dropped)

        // The reader continues, and nothing else happens.
        var text = log.read()
        try eventually("the lines that are missing are counted") {
            text += log.read()
            return text.contains("log lines were dropped")
        }
        let line = try #require(text.split(separator: "\n").first { $0.contains("log lines were dropped") })
        #expect(line.contains(" warning "))
        #expect(number("lines", in: line) ?? 0 >= Int(dropped))

        log.fill()
        try relay.stop()
    }

    /// Five hundred and sixty lines used to fill a pipe. Now there are few lines, and they count all the lines that are
    /// left out.
    @Test func aThousandConnectionsWithTheWrongProtocolMakeFewLines() throws {
        try withRelay { relay, redis in
            let request = Array("GET / HTTP/1.1\r\n\r\n".utf8)
            for number in 0..<1000 {
                let peer = try relay.connect()
                try peer.send(raw: number % 2 == 0 ? request : [0, 0, 0, 0])
                try peer.expectError()
            }
            func closed(_ code: String) throws -> Double {
                try relay.metric("hubrelay_connections_closed_total{code=\"\(code)\"}")
            }
            #expect(try closed("malformed") + closed("frame_too_large") == 1000)
            try relay.stop()
            let lines = relay.process.errors.split(separator: "\n").filter { $0.contains("closing a connection") }
            let summaries = lines.filter { $0.contains("lines like this were left out") }
            let leftOut = summaries.reduce(0) { $0 + (number("left_out", in: $1) ?? 0) }
            #expect(lines.count - summaries.count + leftOut == 1000, "\(relay.process.errors)")
            for code in ["malformed", "frame_too_large"] {
                #expect(summaries.contains { $0.contains("code=\(code)") }, "\(relay.process.errors)")
            }
            // Two kinds, and six lines of each in ten seconds. However slow the machine is, this is a small part of the
            // connections.
            #expect(lines.count < 200)
        }
    }
}
