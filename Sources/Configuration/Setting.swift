/// One setting of a relay: the single source of its flag, environment variable, unit, default, range and help.
package struct Setting: Sendable {
    /// What kind of value a setting takes, with its range if it has one.
    package enum Kind: Sendable, Equatable {
        /// A path of at most 107 bytes, the length of a Unix socket's address.
        case socketPath
        /// A path of any length.
        case path
        /// What all channels begin with: at most this many bytes of UTF-8. May be empty.
        case prefix(maxBytes: Int)
        /// Bytes.
        case size(ClosedRange<UInt64>)
        /// Nanoseconds.
        case duration(ClosedRange<UInt64>)
        /// Nanoseconds, or the word `off`.
        case durationOrOff(ClosedRange<UInt64>)
        case count(ClosedRange<UInt64>)
        /// Permission bits in octal.
        case mode
        /// A group's name or number.
        case group
        /// User or group numbers; the flag may be repeated.
        case ids
        case choice([String])
        case redisAddress
        case userName
        /// Never shown.
        case secret
        case hostName
        case clientName
        case boolean
        /// Names of hosts; the flag may be repeated.
        case hostNames
        /// On the command line a flag without a value, in the environment a boolean.
        case `switch`
        case httpAddress
    }

    /// Where a setting can be given.
    package enum Spelling: Sendable {
        case flagAndVariable
        /// Only on the command line.
        case flag
        /// Only in the environment.
        case variable
    }

    /// The flag as it is typed, with its two dashes.
    package let flag: String
    /// What stands for the value in the help.
    package let placeholder: String
    package let kind: Kind
    /// The default as a person would type it; nil if the setting is required, or absent by default.
    package let defaultText: String?
    /// What the setting is for, in one sentence.
    package let purpose: String
    /// What happens without a value, if ``defaultText`` is nil.
    package let withoutValue: String
    package let spelling: Spelling

    init(
        _ flag: String, _ placeholder: String, _ kind: Kind, default defaultText: String?, _ purpose: String,
        without withoutValue: String = "required", spelling: Spelling = .flagAndVariable
    ) {
        self.flag = flag
        self.placeholder = placeholder
        self.kind = kind
        self.defaultText = defaultText
        self.purpose = purpose
        self.withoutValue = withoutValue
        self.spelling = spelling
    }

    /// The flag without its dashes.
    package var name: String { String(flag.dropFirst(2)) }

    /// The environment variable that is read when the flag is absent.
    package var environmentName: String {
        "HUBRELAY_" + name.uppercased().split(separator: "-").joined(separator: "_")
    }

    /// What a value may be: unit and range.
    package var allowed: String {
        switch kind {
        case .socketPath: "a path of at most \(maxSocketPathBytes) bytes"
        case .path: "the path of a file"
        case .prefix(let maxBytes):
            "UTF-8 text of at most \(maxBytes) bytes without blanks, #, invisible characters and outer quotes; "
                + "--prefix '' or HUBRELAY_PREFIX_NONE=true for none"
        case .size(let range):
            "\(formatSize(range.lowerBound)) to \(formatSize(range.upperBound)) (units B, KiB, MiB, GiB; no unit: B)"
        case .duration(let range): "\(formatRange(range)) (units ms, s, m; no unit: s)"
        case .durationOrOff(let range): "\(formatRange(range)) (units ms, s, m; no unit: s) or off"
        case .count(let range): "\(range.lowerBound) to \(range.upperBound)"
        case .mode: "octal permission bits, 0 to 0777"
        case .group: "a group's name or number"
        case .ids: "0 to 4294967294, repeatable, or several with commas"
        case .choice(let words): words.joined(separator: ", ")
        case .redisAddress:
            "redis://[user[:password]@]host[:port][,...], rediss:// for TLS, unix:///path, "
                + "redis-sentinel://[user[:password]@]host[:port][,...]/service, rediss-sentinel:// for TLS, "
                + "redis-cluster://[user[:password]@]host[:port][,...], rediss-cluster:// for TLS, "
                + "or a connection string of StackExchange.Redis"
        case .userName: "a name without spaces"
        case .secret: "UTF-8 text"
        case .hostName: "a host name or address"
        case .hostNames:
            "a host name, .DOMAIN for all names under one, or * for any; repeatable, or several with commas"
        case .clientName: "1 to 64 printable ASCII characters without spaces"
        case .boolean: "true or false (or 1, 0, yes, no)"
        case .switch: "no value; in the environment true or false (or 1, 0, yes, no)"
        case .httpAddress: "ADDRESS:PORT with a numeric address ([...] for IPv6), unix:PATH or off"
        }
    }

    /// The paragraph for `--help`: purpose, unit and range, default, environment variable.
    package var help: String {
        let fallback =
            switch defaultText {
            case nil: withoutValue
            case .some(let text): "default \(text)"
            }
        return "\(purpose) Allowed: \(allowed). [\(fallback)\(spelling == .flag ? "" : "; \(environmentName)")]"
    }

    private func formatRange(_ range: ClosedRange<UInt64>) -> String {
        "\(formatDuration(range.lowerBound)) to \(formatDuration(range.upperBound))"
    }
}
