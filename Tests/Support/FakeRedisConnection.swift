internal import Glibc

/// One connection of a `FakeRedisServer`. Only the server's thread uses it.
final class FakeRedisConnection {
    let descriptor: Int32
    var link = FakeRedisServer.Link.other
    /// Bytes that may still be sent before the connection is cut; nil if there is no limit.
    var limit: Int? {
        didSet { if limit == 0 { isEnding = true } }
    }
    /// Nothing more is added to the output. The connection ends when all of it has been sent.
    var isEnding = false
    private var isBroken = false
    private var parser = RedisReplyParser()
    private var unsent: [UInt8] = []
    private var channels: Set<[UInt8]> = []
    private var patterns: Set<[UInt8]> = []
    private var shardChannels: Set<[UInt8]> = []

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit {
        // A child that is being started may hold a copy of the descriptor. The peer must read the end nevertheless.
        shutdown(descriptor, Int32(SHUT_RDWR))
        close(descriptor)
    }

    var isSubscribed: Bool { !channels.isEmpty || !patterns.isEmpty || !shardChannels.isEmpty }
    var isOver: Bool { isBroken || (isEnding && unsent.isEmpty) }
    var events: Int16 { Int16(POLLIN) | (unsent.isEmpty ? 0 : Int16(POLLOUT)) }

    /// - Returns: the commands that have come, each a list of words.
    func read() -> [[[UInt8]]] {
        var chunk = [UInt8](repeating: 0, count: 65536)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        if count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR) { isBroken = true }
        guard count > 0 else { return [] }
        parser.feed(Array(chunk[..<count]))
        var commands: [[[UInt8]]] = []
        while let value = parser.next() { commands.append(value.array?.compactMap(\.bytes) ?? []) }
        return commands
    }

    /// Makes what the peer writes from now on fail, at once on a Unix socket: as if the connection had been closed
    /// completely by the time that the peer reads the last output.
    func hearsNoMore() { shutdown(descriptor, Int32(SHUT_RD)) }

    func send(_ text: String) { send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) {
        guard !isEnding else { return }
        unsent += bytes.prefix(limit ?? bytes.count)
        if let left = limit { limit = max(0, left - bytes.count) }
    }

    /// Writes what the kernel takes.
    func flush() {
        while !unsent.isEmpty {
            let count = unsent.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else {
                if errno != EAGAIN && errno != EINTR { isBroken = true }
                return
            }
            unsent.removeFirst(count)
        }
    }

    /// Sends the answer to PING, which has four forms.
    func pong(repeating argument: [UInt8]?) {
        let bulk = "$\(argument?.count ?? 0)\r\n\(String(decoding: argument ?? [], as: UTF8.self))\r\n"
        send(isSubscribed ? "*2\r\n$4\r\npong\r\n" + bulk : argument == nil ? "+PONG\r\n" : bulk)
    }

    /// SUBSCRIBE and similar commands, for one name.
    func change(_ verb: String, _ name: [UInt8]) {
        switch verb {
        case "SUBSCRIBE": channels.insert(name)
        case "UNSUBSCRIBE": channels.remove(name)
        case "PSUBSCRIBE": patterns.insert(name)
        case "PUNSUBSCRIBE": patterns.remove(name)
        case "SSUBSCRIBE": shardChannels.insert(name)
        default: shardChannels.remove(name)
        }
        send(array([Array(verb.lowercased().utf8), name], of: 3))
        let isSharded = verb == "SSUBSCRIBE" || verb == "SUNSUBSCRIBE"
        send(":\(isSharded ? shardChannels.count : channels.count + patterns.count)\r\n")
    }

    /// - Returns: how often the message was sent to this connection.
    func deliver(_ channel: [UInt8], _ payload: [UInt8]) -> Int {
        var count = 0
        if channels.contains(channel) {
            send(array([Array("message".utf8), channel, payload]))
            count += 1
        }
        for pattern in patterns where matches(pattern, channel) {
            send(array([Array("pmessage".utf8), pattern, channel, payload]))
            count += 1
        }
        return count
    }

    /// Delivers a message of a sharded channel.
    /// - Returns: how often the message was sent to this connection.
    func deliverInShard(_ channel: [UInt8], _ payload: [UInt8]) -> Int {
        guard shardChannels.contains(channel) else { return 0 }
        send(array([Array("smessage".utf8), channel, payload]))
        return 1
    }

    private func matches(_ pattern: [UInt8], _ channel: [UInt8]) -> Bool {
        fnmatch(String(decoding: pattern, as: UTF8.self), String(decoding: channel, as: UTF8.self), 0) == 0
    }

    /// The head of an array with `count` elements, and its first elements: `words`.
    private func array(_ words: [[UInt8]], of count: Int? = nil) -> [UInt8] {
        var bytes = Array("*\(count ?? words.count)\r\n".utf8)
        for word in words { bytes += Array("$\(word.count)\r\n".utf8) + word + [13, 10] }
        return bytes
    }
}
