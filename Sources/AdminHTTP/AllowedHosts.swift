internal import Glibc

/// The hosts that a request may be addressed to, by its Host field.
///
/// Why it matters: a web site can let its own name point to this machine (DNS rebinding). A page of that site can then
/// make the browser of a user here send requests to this machine, and could read the answers. Such a request has the
/// site's name in its Host field, and never an address.
package struct AllowedHosts: Equatable, Sendable {
    /// In small letters, without a final dot: a name, or ".domain" for all names under a domain, or "*" for any.
    private let names: [String]

    /// - Parameter names: what is allowed in addition to addresses and "localhost": names, ".domain" for all names
    ///   under a domain, "*" for any.
    package init(_ names: [String] = []) { self.names = names.map(Self.normal) }

    /// Whether a Host field names an address, "localhost", or one of the names. The port does not matter. An empty or
    /// missing field is allowed: no browser sends that.
    package func allows(_ field: String) -> Bool {
        guard let host = Self.host(of: field) else { return false }
        if host.isEmpty || host == "localhost" || Self.isAddress(host) { return true }
        return names.contains { name in
            name == "*" || (name.hasPrefix(".") ? host.hasSuffix(name) && host != name : host == name)
        }
    }

    /// The host of `host[:port]`, without the brackets of an IPv6 address; nil if the field does not have that form.
    private static func host(of field: String) -> String? {
        if isAddress(field) { return field }
        let bytes = Array(field.utf8)
        guard let colon = bytes.lastIndex(of: UInt8(ascii: ":")), !field.hasSuffix("]") else {
            return unbracketed(field)
        }
        guard bytes[(colon + 1)...].allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) else { return nil }
        return unbracketed(String(decoding: bytes[..<colon], as: UTF8.self))
    }

    /// The host without brackets. Only an IPv6 address may have them; nil if anything else does.
    private static func unbracketed(_ host: String) -> String? {
        guard host.hasPrefix("[") else { return normal(host) }
        let inner = String(host.dropFirst().dropLast())
        return host.hasSuffix("]") && isIPv6(inner) ? inner : nil
    }

    private static func normal(_ name: String) -> String {
        name.hasSuffix(".") ? String(name.dropLast()).lowercased() : name.lowercased()
    }

    private static func isAddress(_ text: String) -> Bool {
        var address = in_addr()
        return inet_pton(AF_INET, text, &address) == 1 || isIPv6(text)
    }

    /// Whether the text is an IPv6 address, with or without a zone, such as `fe80::1%eth0`.
    private static func isIPv6(_ text: String) -> Bool {
        var address = in6_addr()
        return inet_pton(AF_INET6, String(text.prefix { $0 != "%" }), &address) == 1
    }
}
