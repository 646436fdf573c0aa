/// How large a payload may be on a publish link: as large as the relay's own limit, or less if the server takes less. A
/// larger payload makes Redis close the connection, and the publishes of all apps that are in flight end with it.
///
/// Redis reports its settings, if the relay may ask for them. Otherwise the relay finds the limit out: when a
/// connection is closed while a large command is in flight, the next greeting ends with a command of that size, which
/// does no harm. If that ends the connection, too, such payloads are refused from then on.
package struct PayloadLimit: Sendable {
    /// Where the limit comes from.
    private enum Source: Equatable {
        case own
        case setting(String)
        case foundOut
    }

    private let own: Int
    /// How much longer a command can be than its payload.
    private let overhead: Int
    private var told: (bytes: Int, setting: String)?
    private var foundOut: Int?
    /// The size in bytes of a command that may have ended the connection; nil if there is none.
    package private(set) var suspect: Int?

    /// A command of this size or less is not suspected.
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

    /// The server's setting that limits the payload, as far as that is known.
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
    /// - Parameter settings: the settings that the server has reported.
    package mutating func established(_ settings: [LinkMachine.GreetingStep: UInt64]) {
        suspect = nil
        told = nil
        // A payload over the bulk limit ends the connection; so does a buffer over its limit, which also holds the
        // payload's line end.
        for (step, margin) in [(LinkMachine.GreetingStep.bulkLimit, UInt64(0)), (.bufferLimit, 2)] {
            guard let value = settings[step], let name = step.setting, value > margin else { continue }
            let bytes = Int(clamping: value - margin)
            if bytes < told?.bytes ?? .max { told = (bytes, name) }
        }
    }

    /// The peer has closed a connection that was in use.
    /// - Parameter largest: bytes of the largest command that was in flight.
    package mutating func closed(largest: Int) { if largest > Self.harmless { suspect = largest } }

    /// The connection has ended during the trial command.
    /// - Parameter isClosed: whether the peer has closed it; if not, the end proves nothing.
    package mutating func trialEnded(isClosed: Bool) {
        if let suspect, isClosed { refused(command: suspect) }
        suspect = nil
    }

    /// The server has reported, or shown, that a command is too large for it.
    package mutating func refused(command bytes: Int) {
        guard bytes > Self.harmless else { return }
        // Nobody says where exactly the limit is. After the first time, the limit found is at least halved each time.
        let less = bytes - overhead - 1
        foundOut = foundOut.map { min(less, $0 / 2) } ?? less
    }

    /// The server is another one than before, or it may take more by now. The setting that it has reported counts until
    /// it reports it again.
    package mutating func forget() { (foundOut, suspect) = (nil, nil) }
}
