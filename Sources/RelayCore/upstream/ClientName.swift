/// The names of a relay's connections at a server, such as `hubrelay-publish-3cf0d2a7@web1/chat:`. In CLIENT LIST they
/// show to which host and which app each connection belongs.
struct ClientName {
    /// The start of the name, as configured. CLIENT SETNAME takes all its characters.
    var start: String
    /// The id of the relay, new at each start. The relay writes it to its log, and its probe channels contain it.
    var relayID: String
    var host: String
    /// What all channels begin with; each app has its own prefix.
    var prefix: [UInt8]

    /// The most bytes of the host, and of the prefix, that the name contains.
    private static let longest = 64

    func of(_ kind: LinkKind) -> String {
        "\(start)-\(kind.label)-\(relayID.prefix(8))@\(Self.printable(host.utf8))/\(Self.printable(prefix))"
    }

    /// CLIENT SETNAME takes printable ASCII without spaces; all other bytes become `_`.
    private static func printable(_ bytes: some Collection<UInt8>) -> String {
        String(
            decoding: bytes.prefix(longest).map { (0x21...0x7e).contains($0) ? $0 : UInt8(ascii: "_") }, as: UTF8.self)
    }
}
