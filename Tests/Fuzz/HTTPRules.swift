internal import Glibc

/// The rules for a right answer.
struct HTTPRules {
    /// Only addresses, "localhost" and `names` are allowed as hosts.
    let restrictsHosts: Bool
    let requestsPerConnection: Int

    static let names = ["Relay.example", ".internal.example"]
    static let largeBody = [UInt8](repeating: UInt8(ascii: "x"), count: 40_000)

    /// The answer that the handler gives.
    static func answer(_ request: AdminRequest) -> AdminResponse {
        let text = Array("\(request.method) \(request.path) \(request.query)".utf8)
        switch request.path {
        case "/down": return AdminResponse(status: 503, body: text, headers: [("Retry-After", "1")])
        case "/missing": return AdminResponse(status: 404, body: [])
        case "/large": return AdminResponse(status: 200, body: largeBody)
        default: return AdminResponse(status: 200, body: text)
        }
    }

    /// - Parameter body: the part of the body that was sent.
    func check(_ response: PlainResponse, _ body: ArraySlice<UInt8>, to request: PlainRequest) {
        // RFC 9112, 3.2: a server must refuse a request with several Host fields, or with none. Here they must only not
        // be a way in.
        if response.status == 400, request.hosts.count > 1 || request.hosts.isEmpty && !request.isOld { return }
        precondition(response.headers["cache-control"] == "no-store")
        precondition(response.headers["content-type"]?.isEmpty == false)
        if restrictsHosts, !request.hosts.allSatisfy(Self.allows) {
            precondition(response.status == 421 && !body.contains(UInt8(ascii: "<")), "not 421")
        } else if request.method == "GET" || request.method == "HEAD" {
            let expected = Self.answer(
                AdminRequest(method: request.method, path: request.path, query: request.query))
            precondition(response.status == expected.status && response.length == expected.body.count)
            precondition(request.method == "HEAD" || body.elementsEqual(expected.body), "an answer to another request")
            for (name, value) in expected.headers { precondition(response.headers[name.lowercased()] == value) }
        } else {
            precondition(response.status == 405 && response.headers["allow"] == "GET, HEAD", "not 405")
        }
    }

    private static func allows(_ field: [UInt8]) -> Bool {
        var name = String(decoding: field, as: UTF8.self)
        if isAddress(name) { return true }
        let port = name.utf8.reversed().prefix { 0x30...0x39 ~= $0 }.count
        if name.dropLast(port).last == ":" { name = String(name.dropLast(port + 1)) }
        if name.hasPrefix("["), name.hasSuffix("]") {
            let inner = String(name.dropFirst().dropLast())
            return inner.contains(":") && isAddress(inner)
        }
        if name.hasSuffix(".") { name.removeLast() }
        name = name.lowercased()
        let isUnder = name.hasSuffix(".internal.example") && name != ".internal.example"
        return ["", "localhost", "relay.example"].contains(name) || isAddress(name) || isUnder
    }

    /// Whether this is an IP address, with or without a zone.
    private static func isAddress(_ text: String) -> Bool {
        var (old, new) = (in_addr(), in6_addr())
        if inet_pton(AF_INET, text, &old) == 1 { return true }
        return inet_pton(AF_INET6, String(text.prefix { $0 != "%" }), &new) == 1
    }
}
