/// A plain client of Redis. It is the other end for a relay's messages, and a test asks Redis with it.
///
/// Not for use by two threads at once.
package final class RedisClient {
    package let socket: TestSocket
    private var parser = RedisReplyParser()

    /// - Throws: `TestFailure` when Redis does not listen there.
    package init(_ address: RedisServer.Address) throws {
        switch address {
        case .unix(let path): socket = try TestSocket(unix: path)
        case .port(let port): socket = try TestSocket(port: port)
        }
    }

    /// Runs one command.
    /// - Throws: `TestFailure` when Redis answers with an error or not at all.
    @discardableResult
    package func run(_ words: String..., line: UInt = #line) throws -> RedisValue {
        try run(words, line: line)
    }

    @discardableResult
    package func run(_ words: [String], line: UInt = #line) throws -> RedisValue {
        try send(words.map { Array($0.utf8) })
        let value = try read(line: line)
        if case .error(let text) = value { throw TestFailure("line \(line): \(words): \(text)") }
        return value
    }

    /// Runs many commands in one write.
    /// - Throws: `TestFailure` when one of them is answered with an error.
    package func run(each commands: [[String]], line: UInt = #line) throws {
        try socket.write(commands.flatMap { RedisClient.encode($0.map { Array($0.utf8) }) })
        for words in commands {
            if case .error(let text) = try read(line: line) { throw TestFailure("line \(line): \(words): \(text)") }
        }
    }

    /// PUBLISH with bytes as they are.
    /// - Returns: how many clients got it.
    @discardableResult
    package func publish(_ channel: [UInt8], _ payload: [UInt8], line: UInt = #line) throws -> Int {
        try send([Array("PUBLISH".utf8), channel, payload])
        let value = try read(line: line)
        guard case .integer(let count) = value else { throw TestFailure("line \(line): PUBLISH: \(value)") }
        return count
    }

    @discardableResult
    package func publish(_ channel: String, _ payload: String, line: UInt = #line) throws -> Int {
        try publish(Array(channel.utf8), Array(payload.utf8), line: line)
    }

    /// Publishes many messages in one write and waits for all replies: a fast publisher.
    package func publish(_ channel: String, _ payloads: [[UInt8]], line: UInt = #line) throws {
        let verb = Array("PUBLISH".utf8)
        let name = Array(channel.utf8)
        try socket.write(payloads.flatMap { RedisClient.encode([verb, name, $0]) })
        for _ in payloads {
            let value = try read(line: line)
            guard value.integer != nil else { throw TestFailure("line \(line): PUBLISH: \(value)") }
        }
    }

    /// Subscribes this client. `nextMessage` reads the messages that follow.
    package func subscribe(_ channel: String, pattern: Bool = false, line: UInt = #line) throws {
        try run(pattern ? "PSUBSCRIBE" : "SUBSCRIBE", channel, line: line)
    }

    /// The next message of a subscribed client.
    /// - Throws: `TestFailure` when none came within `seconds`.
    package func nextMessage(
        within seconds: Double = TestDeadline.patience, line: UInt = #line
    ) throws -> (channel: String, payload: [UInt8]) {
        let value = try read(within: seconds, line: line)
        guard let parts = value.array, let channel = parts.dropLast().last?.text,
            let payload = parts.last?.bytes
        else { throw TestFailure("line \(line): not a message: \(value)") }
        return (channel, payload)
    }

    /// How many clients of Redis are subscribed to this channel (PUBSUB NUMSUB).
    package func subscribers(of channel: String, line: UInt = #line) throws -> Int {
        try run("PUBSUB", "NUMSUB", channel, line: line).array?.last?.integer ?? -1
    }

    /// How many patterns the clients of Redis are subscribed to (PUBSUB NUMPAT).
    package func patterns(line: UInt = #line) throws -> Int {
        try run("PUBSUB", "NUMPAT", line: line).integer ?? -1
    }

    package func send(_ words: [[UInt8]]) throws {
        try socket.write(RedisClient.encode(words))
    }

    /// The next reply.
    /// - Throws: `TestFailure` when no reply came within `seconds`, or Redis closed the connection.
    package func read(within seconds: Double = TestDeadline.patience, line: UInt = #line) throws -> RedisValue {
        let deadline = TestDeadline(within: seconds)
        while true {
            if let value = parser.next() { return value }
            let left = Double(deadline.remainingMilliseconds) / 1000
            guard let bytes = try socket.read(within: left), !bytes.isEmpty else {
                throw TestFailure("line \(line): no reply of Redis" + (socket.atEnd ? ", it closed" : ""))
            }
            parser.feed(bytes)
        }
    }

    private static func encode(_ words: [[UInt8]]) -> [UInt8] {
        var bytes = Array("*\(words.count)\r\n".utf8)
        for word in words {
            bytes += Array("$\(word.count)\r\n".utf8) + word + [13, 10]
        }
        return bytes
    }
}
