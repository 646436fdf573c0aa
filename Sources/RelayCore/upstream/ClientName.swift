/// What a relay's connections are called at a server, as `hubrelay-publish-3cf0d2a7@web1/chat:`: who looks at CLIENT LIST
/// sees which host and which app each belongs to.
struct ClientName {
    /// As it is set, and as CLIENT SETNAME takes it.
    var start: String
    /// Of the relay, new at each start: the relay names it in its log, and its probe channel ends in it.
    var relayID: String
    var host: String
    /// Of all channels; it is what an app has of its own.
    var prefix: [UInt8]

    /// Bytes of the host, and of the prefix, that are in it.
    private static let longest = 64

    func of(_ kind: LinkKind) -> String {
        "\(start)-\(kind.label)-\(relayID.prefix(8))@\(Self.printable(host.utf8))/\(Self.printable(prefix))"
    }

    /// CLIENT SETNAME takes printable ASCII without spaces; what else there is becomes `_`.
    private static func printable(_ bytes: some Collection<UInt8>) -> String {
        String(
            decoding: bytes.prefix(longest).map { (0x21...0x7e).contains($0) ? $0 : UInt8(ascii: "_") }, as: UTF8.self)
    }
}
