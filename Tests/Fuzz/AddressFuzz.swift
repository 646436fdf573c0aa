// What the targets for addresses share: where the secret stands in an address, and how an address is written again.

/// Stands for a password. It is not a number, does not consist of letters alone, and is not a plausible host.
let fuzzedSecret = "Zq9x_K7w"

/// The input as text. The first byte 1 of the input becomes the secret, and further ones are left out.
/// - Returns: nil if the input contains the secret's letters by itself.
func textWithSecret(_ input: UnsafeRawBufferPointer) -> (text: String, hasSecret: Bool)? {
    let parts = input.split(separator: 1, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
    guard !parts.contains(where: isSecretIn) else { return nil }
    guard parts.count > 1 else { return (parts[0], false) }
    return (parts[0] + fuzzedSecret + parts[1...].joined(), true)
}

/// Whether the secret can be read in a text, in upper or lower case.
func isSecretIn(_ text: String) -> Bool { text.lowercased().contains(fuzzedSecret.lowercased()) }

/// The masked text shows the secret only if it stands in the place of the first host, or of a socket's path. The text
/// is checked byte by byte, because to Swift an `@` with an accent on it is another character.
func checkMask(_ text: String) {
    guard isSecretIn(maskedRedisAddress(text)) else { return }
    let bytes = Array(text.utf8)
    let secret = Array(fuzzedSecret.utf8)
    guard let start = bytes.indices.first(where: { bytes[$0...].starts(with: secret) }) else {
        preconditionFailure("the mask has a secret that the text has not")
    }
    precondition(!bytes[(start + secret.count)...].contains(UInt8(ascii: "@")))
    var before = bytes[..<start]
    if let scheme = splitScheme(text)?.scheme, scheme.utf8.count + 3 <= start {
        before = before.dropFirst(scheme.utf8.count + 3)
        if scheme.lowercased() == "unix", before.first == UInt8(ascii: "/") {
            return precondition(!before.contains { "?#,;= @".utf8.contains($0) })
        }
    }
    if let at = before.lastIndex(of: UInt8(ascii: "@")) { before = before[(at + 1)...] }
    precondition(!before.contains { "?#,;= :/".utf8.contains($0) })
}

/// The place that a log shows for the address is an address of the same servers, and contains nothing of a login.
func checkDisplay(_ address: RedisAddress) {
    let topology: RedisConfiguration.Topology
    var isPlain = true
    let endpoints: [RedisConfiguration.Endpoint]
    switch address.topology {
    case .servers(let servers): (topology, endpoints) = (.servers(servers), servers)
    case .sentinel(let sentinels, let service):
        (topology, endpoints) = (.sentinel(sentinels, service: service), sentinels)
        isPlain = service.utf8.allSatisfy(isUnreserved) && !service.utf8.allSatisfy(isDigit)
    case .cluster(let nodes): (topology, endpoints) = (.cluster(nodes, .classic), nodes)
    }
    precondition((1...maxHosts).contains(endpoints.count) && Set(endpoints).count == endpoints.count)
    let shown = RedisConfiguration(topology: topology, tls: address.tls).displayAddress
    for endpoint in endpoints {
        switch endpoint {
        case .tcp(let host, let port):
            precondition(port > 0 && host == host.lowercased())
            // In a URL, %25 is a percent sign, and so the zone would be another one.
            if host.contains("%25") { return }
            precondition(parsed("redis://\(endpoint)")?.topology == .servers([endpoint]))
        case .unix(let path): isPlain = path.utf8.allSatisfy { isUnreserved($0) || $0 == UInt8(ascii: "/") }
        }
    }
    if isPlain { precondition(parsed(shown)?.topology == address.topology) }
}

/// The address is written as a URL in which everything is encoded. Read again, it must be the same.
func checkRoundTrip(_ address: RedisAddress) {
    var text = ""
    var login = ""
    if let password = address.password {
        login = encoded(address.username ?? "") + ":" + encoded(password) + "@"
    } else if let user = address.username {
        login = encoded(user) + "@"
    }
    let suffix = address.tls == nil ? "" : "s"
    switch address.topology {
    case .servers(let endpoints):
        if case .unix(let path) = endpoints[0] {
            text = "unix://" + login + "/" + encoded(String(path.dropFirst()))
            precondition(path.hasPrefix("/") && endpoints.count == 1)
        } else {
            text = "redis\(suffix)://" + login + list(endpoints) + "/" + (address.database ?? "")
        }
    case .sentinel(let endpoints, let service):
        text = "redis\(suffix)-sentinel://\(login)\(list(endpoints))/\(encoded(service))"
        if let database = address.database { text += "/" + database }
    case .cluster(let endpoints): text = "redis\(suffix)-cluster://" + login + list(endpoints)
    }
    guard let again = parsed(text) else { preconditionFailure("an address that was written cannot be read") }
    precondition(again == address)
}

func parsed(_ text: String) -> RedisAddress? { try? parseRedisAddress(text) }

private func list(_ endpoints: [RedisConfiguration.Endpoint]) -> String {
    endpoints.map(\.description).joined(separator: ",")
}

private func encoded(_ text: String) -> String {
    let digits = Array("0123456789abcdef".utf8)
    let bytes = text.utf8.flatMap { [UInt8(ascii: "%"), digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    return String(decoding: bytes, as: UTF8.self)
}

private func isUnreserved(_ byte: UInt8) -> Bool { isDigit(byte) || isLetter(byte) || "-._~".utf8.contains(byte) }
