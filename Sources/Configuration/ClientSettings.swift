/// The settings of the small commands, read in the same way as those of `serve`.
package struct ClientSettings {
    private let sources: SettingSources

    /// The parameters are as for ``RelayConfiguration/parse(flags:environment:variables:)``. A nil text means that the
    /// flag was not given.
    package init(flags: [(Setting, String?)], environment: @escaping (String) -> String?) {
        var given: [String: [String]] = [:]
        for case (let setting, let text?) in flags { given[setting.flag] = [text] }
        sources = SettingSources(flags: given, environment: environment)
    }

    /// The relay's socket.
    package func socketPath() throws(ConfigurationError) -> String {
        try SettingReader.checked(sources) { $0.value(.socket, parseSocketPath) }
    }

    /// The relay's socket, if a flag or variable names one; else nil. The default does not count.
    package func givenSocketPath() throws(ConfigurationError) -> String? {
        try SettingReader.checked(sources) { $0.optionalValue(.socket, parseSocketPath) }
    }

    /// The relay's HTTP side.
    package func http() throws(ConfigurationError) -> HTTPListen {
        try SettingReader.checked(sources) { $0.value(.http, parseHTTPAddress) }
    }

    /// How long each answer may take, in nanoseconds.
    package func timeout() throws(ConfigurationError) -> UInt64 {
        try SettingReader.checked(sources) { $0.duration(.timeout) }
    }

    /// How long to wait in all, in nanoseconds.
    package func longestWait() throws(ConfigurationError) -> UInt64 {
        try SettingReader.checked(sources) { $0.duration(.longestWait) }
    }

    /// How many messages to wait for; nil: no limit.
    package func count() throws(ConfigurationError) -> Int? {
        try SettingReader.checked(sources) { $0.optionalCount(.count) }
    }

    /// How many rows there may be.
    package func limit() throws(ConfigurationError) -> Int {
        try SettingReader.checked(sources) { $0.count(.limit) }
    }

    /// Nanoseconds between two samples.
    package func interval() throws(ConfigurationError) -> UInt64 {
        try SettingReader.checked(sources) { $0.duration(.interval) }
    }
}
