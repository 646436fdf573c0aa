import TestSupport

extension FakeRedisServer {
    /// The answers of a sentinel that names the server at `port` as the master.
    /// - Parameters:
    ///   - epoch: the configuration epoch in its answers.
    ///   - refusesToLeave: whether it behaves like Valkey 8.0, which refuses UNSUBSCRIBE on a connection that has no
    ///     subscription.
    static func sentinel(
        naming port: UInt16, epoch: Int, host: String = "127.0.0.1", refusesToLeave: Bool = false
    ) -> Script {
        @Sendable func bulk(_ text: String) -> String { "$\(text.utf8.count)\r\n\(text)\r\n" }
        return { command in
            switch (command.verb, command.words.dropFirst().first) {
            case ("ROLE", _): .text("*2\r\n$8\r\nsentinel\r\n*1\r\n$8\r\nmymaster\r\n")
            case ("SENTINEL", "MASTER"):
                .text("*2\r\n" + bulk("config-epoch") + bulk("\(epoch)"))
            case ("SENTINEL", _): .text("*2\r\n" + bulk(host) + bulk("\(port)"))
            case ("UNSUBSCRIBE", _) where refusesToLeave && !command.isSubscribed:
                .text("-NOSUB 'unsubscribe' command executed not in subscribed mode\r\n")
            default: .usual
            }
        }
    }

    /// `host:port`.
    var endpoint: String { String(url.dropFirst("redis://".count)) }
}
