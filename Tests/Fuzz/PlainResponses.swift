/// An answer as it came, read in the slow and obvious way.
struct PlainResponse {
    static let statuses: Set<Int> = [200, 400, 404, 405, 413, 414, 417, 421, 431, 501, 503, 505]

    let status: Int
    /// By lower-case name. No name comes twice.
    let headers: [String: String]
    /// The length of the body, as the head says.
    let length: Int
    /// Bytes up to the body.
    let headSize: Int

    var isLast: Bool { headers["connection"]?.lowercased() == "close" }

    /// Nil while the head is not complete. A malformed answer is a finding.
    init?(_ bytes: ArraySlice<UInt8>) {
        guard let end = plainHeadEnd(bytes) else { return nil }
        var lines = String(decoding: bytes[..<(end - 4)], as: UTF8.self).split(
            separator: "\r\n", omittingEmptySubsequences: false)
        let parts = lines.removeFirst().split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "HTTP/1.1", parts[1].utf8.count == 3, let status = Int(parts[1]),
            !parts[2].isEmpty
        else { preconditionFailure("no status line: \(parts)") }
        var headers: [String: String] = [:]
        for line in lines {
            let field = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard field.count == 2, !field[0].isEmpty, !field[0].contains(" ") else { preconditionFailure("\(line)") }
            let value = field[1].drop { $0 == " " }
            precondition(headers.updateValue(String(value), forKey: field[0].lowercased()) == nil, "\(line)")
        }
        (self.status, self.headers) = (status, headers)
        headSize = end - bytes.startIndex
        guard status != 100 else {
            precondition(headers.isEmpty)
            length = 0
            return
        }
        precondition(Self.statuses.contains(status), "\(status)")
        guard let length = headers["content-length"].flatMap({ Int($0) }), length >= 0 else {
            preconditionFailure("no Content-Length: \(headers)")
        }
        self.length = length
    }
}

/// The place after the empty line that ends a head; nil: there is no such line yet.
private func plainHeadEnd(_ bytes: ArraySlice<UInt8>) -> Int? {
    bytes.indices.dropFirst(3).first { bytes[($0 - 3)...$0].elementsEqual([13, 10, 13, 10]) }.map { $0 + 1 }
}

/// Whether these are answers, to any requests. Answers to HEAD have no body.
///
/// - Parameter isCut: whether the last answer may be incomplete.
func areResponses(_ bytes: ArraySlice<UInt8>, isCut: Bool) -> Bool {
    if bytes.isEmpty { return true }
    guard bytes.prefix(5).elementsEqual("HTTP/".utf8.prefix(bytes.count)) else { return false }
    guard let response = PlainResponse(bytes) else { return isCut }
    let rest = bytes.dropFirst(response.headSize)
    if rest.count < response.length ? isCut : areResponses(rest.dropFirst(response.length), isCut: isCut) {
        return true
    }
    // An answer to HEAD. If the length of a request is not a number, libmicrohttpd 0.9.75 also sends the head of its
    // answer twice, and then the body.
    return response.length > 0 && areResponses(rest, isCut: isCut)
}
