/// An HTTP answer of the relay.
package struct HTTPAnswer: Sendable {
    package let status: Int
    /// The values by name. The names are in lower case.
    package let headers: [String: String]
    package let body: String
}

/// Sends one HTTP/1.1 request on a connection of its own, and reads the answer.
/// - Throws: `TestFailure` when nobody listens, or when the answer is not HTTP.
package func httpRequest(
    _ path: String, at socket: TestSocket, method: String = "GET", host: String = "localhost",
    within seconds: Double = TestDeadline.patience
) throws -> HTTPAnswer {
    let head = "\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n"
    try socket.write(Array(head.utf8))
    var bytes: [UInt8] = []
    while let more = try socket.read(within: seconds), !more.isEmpty { bytes += more }
    guard socket.atEnd else {
        throw TestFailure("\(method) \(path): no end of the answer within \(seconds) s")
    }
    return try parse(bytes)
}

private func parse(_ bytes: [UInt8]) throws -> HTTPAnswer {
    let lineEnd: [UInt8] = [13, 10]
    var lines: [String] = []
    var rest = bytes[...]
    while let end = rest.indices.first(where: { rest[$0...].starts(with: lineEnd) }) {
        let line = String(decoding: rest[..<end], as: UTF8.self)
        rest = rest[(end + 2)...]
        if line.isEmpty { break }
        lines.append(line)
    }
    let statusLine = lines.first?.split(separator: " ") ?? []
    guard statusLine.count >= 2, statusLine[0] == "HTTP/1.1", let status = Int(statusLine[1]) else {
        throw TestFailure("no HTTP/1.1 answer: \(String(decoding: bytes.prefix(100), as: UTF8.self))")
    }
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
        guard let colon = line.firstIndex(of: ":") else { continue }
        let value = line[line.index(after: colon)...].drop { $0 == " " }
        headers[line[..<colon].lowercased()] = String(value)
    }
    return HTTPAnswer(status: status, headers: headers, body: String(decoding: rest, as: UTF8.self))
}
