internal import Glibc
internal import Synchronization

/// The thread of a `FakeRedisServer`: one `poll` waits for the listening socket and all connections.
final class FakeRedisLoop {
    private let listener: Int32
    private let desk: FakeRedisServer.Desk
    private var connections: [FakeRedisConnection] = []

    /// - Parameter listener: the listening descriptor. It is closed with the loop.
    init(listener: Int32, desk: FakeRedisServer.Desk) { (self.listener, self.desk) = (listener, desk) }

    deinit { close(listener) }

    /// - Throws: `TestFailure` when another process listens there.
    static func listen(_ address: RedisServer.Address) throws -> Int32 {
        let descriptor: Int32
        switch address {
        case .unix(let path):
            descriptor = socket(AF_UNIX, streamType, 0)
            try withUnixAddress(path) { address, length in
                guard bind(descriptor, address, length) == 0 else { throw TestFailure("bind \(path): \(errnoText())") }
            }
        case .port(let port):
            descriptor = socket(AF_INET, streamType, 0)
            var yes: Int32 = 1
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
            try withLoopbackAddress(port) { address, length in
                guard bind(descriptor, address, length) == 0 else { throw TestFailure("bind \(port): \(errnoText())") }
            }
        }
        guard Glibc.listen(descriptor, 128) == 0 else { throw TestFailure("listen: \(errnoText())") }
        return descriptor
    }

    /// Waits for events and handles them.
    func turn(milliseconds: Int32) {
        var entries = [pollfd(fd: listener, events: Int16(POLLIN), revents: 0)]
        entries += connections.map { pollfd(fd: $0.descriptor, events: $0.events, revents: 0) }
        let count = poll(&entries, nfds_t(entries.count), milliseconds)
        doWhatTheTestWants()
        guard count > 0 else { return connections.removeAll { $0.isOver } }
        for (connection, entry) in zip(connections, entries.dropFirst()) where entry.revents != 0 {
            for words in connection.read() { serve(words, connection) }
        }
        for connection in connections { connection.flush() }
        connections.removeAll { $0.isOver }
        if entries[0].revents != 0 { accept() }
    }

    /// Does what the test asked for and no client did: announcements, and cutting the connections.
    private func doWhatTheTestWants() {
        let (announcements, isCutting) = desk.shared.withLock { shared in
            defer { (shared.announcements, shared.isCutting) = ([], false) }
            return (shared.announcements, shared.isCutting)
        }
        for connection in connections {
            for (channel, payload) in announcements {
                _ = connection.deliver(Array(channel.utf8), Array(payload.utf8))
            }
            connection.flush()
            if isCutting { connection.isEnding = true }
        }
    }

    private func accept() {
        let descriptor = Glibc.accept(listener, nil, nil)
        guard descriptor >= 0 else { return }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        let connection = FakeRedisConnection(descriptor)
        connections.append(connection)
        desk.shared.withLock { $0.accepted += 1 }
        serve([], connection)
        connection.flush()
    }

    /// Asks the test what to do about a command, and does it.
    private func serve(_ words: [[UInt8]], _ connection: FakeRedisConnection) {
        guard !connection.isEnding else { return }
        let texts = words.map { String(decoding: $0, as: UTF8.self) }
        if connection.link == .other, texts.count == 3, texts[1].uppercased() == "SETNAME" {
            identify(connection, texts[2])
        }
        let command = FakeRedisServer.Command(
            words: texts, link: connection.link, isSubscribed: connection.isSubscribed)
        // The script may take locks of its test, so it runs without our lock.
        let (script, ambush) = desk.shared.withLock { shared in
            shared.commands[command.link, default: [:]][command.verb, default: 0] += 1
            let place = shared.ambushes.firstIndex { $0.verb == command.verb && $0.link == command.link }
            return (shared.script, place.map { shared.ambushes.remove(at: $0).answer })
        }
        switch ambush ?? script(command) {
        case .usual: answer(words, connection)
        case .bytes(let bytes): connection.send(bytes)
        case .last(let bytes):
            connection.hearsNoMore()
            connection.send(bytes)
            connection.isEnding = true
        case .nothing: break
        }
    }

    /// Records which link a connection is, by the name that it has sent.
    private func identify(_ connection: FakeRedisConnection, _ name: String) {
        if name.hasPrefix("hubrelay-publish") { connection.link = .publish }
        if name.hasPrefix("hubrelay-subscribe") { connection.link = .subscribe }
        let link = connection.link
        let (number, cut) = desk.shared.withLock { shared in
            defer { shared.connections[link, default: 0] += 1 }
            return (shared.connections[link, default: 0], shared.cut)
        }
        connection.limit = cut(link, number)
    }

    /// Answers as Redis would.
    private func answer(_ words: [[UInt8]], _ connection: FakeRedisConnection) {
        let verb = words.first.map { String(decoding: $0, as: UTF8.self).uppercased() }
        switch verb {
        case nil: break
        case "AUTH", "CLIENT": connection.send("+OK\r\n")
        case "ROLE": connection.send("*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n")
        case "PING": connection.pong(repeating: words.count > 1 ? words[1] : nil)
        case "PUBLISH" where words.count == 3:
            let receivers = connections.reduce(0) { $0 + $1.deliver(words[1], words[2]) }
            connection.send(":\(receivers)\r\n")
        case "SPUBLISH" where words.count == 3:
            let receivers = connections.reduce(0) { $0 + $1.deliverInShard(words[1], words[2]) }
            connection.send(":\(receivers)\r\n")
        case "SUBSCRIBE", "UNSUBSCRIBE", "PSUBSCRIBE", "PUNSUBSCRIBE", "SSUBSCRIBE", "SUNSUBSCRIBE":
            for name in words.dropFirst() { connection.change(verb ?? "", name) }
        default: connection.send("-ERR unknown command\r\n")
        }
    }
}
