/// How large a payload may be on a publish link: as the relay was told, or less where the server takes less. One that is
/// larger makes Redis end the connection, and everybody else's publishes that are in flight end with it.
///
/// Redis tells its settings, where it may be asked. Otherwise the limit is found out: when a connection is closed while a
/// large command is in flight, the next greeting ends with a command of that size, which harms nobody. If that ends the
/// connection, too, such payloads are refused from then on.
package struct PayloadLimit: Sendable {
    /// Why there is a limit below the relay's own.
    private enum Source: Equatable {
        case own
        case setting(String)
        case foundOut
    }

    private let own: Int
    /// What a command is longer than its payload at most.
    private let overhead: Int
    private var told: (bytes: Int, setting: String)?
    private var foundOut: Int?
    /// Bytes of a command at which the connection may have been ended.
    package private(set) var suspect: Int?

    /// A command that is not longer is not suspected.
    private static let harmless = 64 << 10

    /// - Parameters:
    ///   - own: the largest payload that the relay takes.
    ///   - prefix: bytes of the prefix of all channels.
    package init(own: Int, prefix: Int) { (self.own, overhead) = (own, 64 + prefix + maxNameBytes) }

    /// Bytes of the largest payload.
    package var bytes: Int { min(own, told?.bytes ?? own, foundOut ?? own) }

    /// Whether the server takes less than the relay.
    package var isOfServer: Bool { bytes < own }

    /// What is wrong with a payload that is larger.
    package var fault: String {
        switch source {
        case .own: "payload is over \(own) bytes"
        case .setting(let name): "payload is over \(bytes) bytes, the server's limit (\(name))"
        case .foundOut:
            "payload is over \(bytes) bytes, and the server has closed the connection at a larger one (its "
                + "proto-max-bulk-len or client-query-buffer-limit, or a proxy's limit)"
        }
    }

    /// The server's setting, as far as that is known.
    package var setting: String {
        switch source {
        case .own: ""
        case .setting(let name): name
        case .foundOut: "proto-max-bulk-len, client-query-buffer-limit, or a proxy's limit"
        }
    }

    private var source: Source {
        if !isOfServer { return .own }
        if let told, told.bytes == bytes { return .setting(told.setting) }
        return .foundOut
    }

    /// A connection can be used.
    /// - Parameter settings: what the server has told of them.
    package mutating func established(_ settings: [LinkMachine.GreetingStep: UInt64]) {
        suspect = nil
        told = nil
        // What is larger ends the connection; so does a buffer that is larger, with the line end behind the payload in it.
        for (step, margin) in [(LinkMachine.GreetingStep.bulkLimit, UInt64(0)), (.bufferLimit, 2)] {
            guard let value = settings[step], let name = step.setting, value > margin else { continue }
            let bytes = Int(clamping: value - margin)
            if bytes < told?.bytes ?? .max { told = (bytes, name) }
        }
    }

    /// A connection that was in use has been closed by the other end.
    /// - Parameter largest: bytes of the largest command that was in flight.
    package mutating func closed(largest: Int) { if largest > Self.harmless { suspect = largest } }

    /// The connection has ended at the command that was tried.
    /// - Parameter isClosed: by the other end; otherwise it says nothing.
    package mutating func trialEnded(isClosed: Bool) {
        if let suspect, isClosed { refused(command: suspect) }
        suspect = nil
    }

    /// The server has said that a command is too large for it, or has shown it.
    package mutating func refused(command bytes: Int) {
        guard bytes > Self.harmless else { return }
        // Where exactly the limit is, nobody says. After the first time it is looked for in halves.
        let less = bytes - overhead - 1
        foundOut = foundOut.map { min(less, $0 / 2) } ?? less
    }

    /// It is another server than before, or it may take more by now. What it has told counts until it tells it anew.
    package mutating func forget() { (foundOut, suspect) = (nil, nil) }
}
