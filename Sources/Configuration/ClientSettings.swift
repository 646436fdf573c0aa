/// The settings of the small commands, read in the same way as those of `serve`.
package struct ClientSettings {
    private let reader: SettingReader

    /// Parameters as for ``RelayConfiguration/parse(flags:environment:)``; nil is a flag that was not given.
    package init(flags: [(Setting, String?)], environment: @escaping (String) -> String?) {
        var given: [String: [String]] = [:]
        for case (let setting, let text?) in flags { given[setting.flag] = [text] }
        reader = SettingReader(flags: given, environment: environment)
    }

    /// The relay's socket.
    package func socketPath() throws(ConfigurationError) -> String {
        try reader.value(.socket, parseSocketPath)
    }

    /// The relay's HTTP side.
    package func http() throws(ConfigurationError) -> HTTPListen {
        try reader.value(.http, parseHTTPAddress)
    }

    /// How long each answer may take, in nanoseconds.
    package func timeout() throws(ConfigurationError) -> UInt64 {
        try reader.duration(.timeout)
    }

    /// How many messages to wait for; nil: without end.
    package func count() throws(ConfigurationError) -> Int? {
        guard reader.isFlag(.count) else { return nil }
        return try reader.count(.count)
    }

    /// How many rows there may be.
    package func limit() throws(ConfigurationError) -> Int { try reader.count(.limit) }

    /// Nanoseconds from look to look.
    package func interval() throws(ConfigurationError) -> UInt64 { try reader.duration(.interval) }
}
