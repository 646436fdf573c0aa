/// A response of the relay's HTTP side: as much of RFC 9112 as one GET with `Connection: close` needs.
struct HTTPResponse: Equatable {
    /// Why bytes are not a whole response.
    struct Malformed: Error, Equatable {
        let reason: String
    }

    let status: Int
    let body: [UInt8]

    /// The request for a path; `host` is the value of the Host field.
    static func request(path: String, host: String) -> [UInt8] {
        Array("GET \(path) HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n".utf8)
    }

    /// Reads everything that a server sent until it closed.
    ///
    /// - Throws: ``Malformed`` when the bytes are not HTTP, or end before the length that the head announced.
    init(_ bytes: [UInt8]) throws(Malformed) {
        guard let headEnd = Self.endOfHead(bytes) else {
            throw Malformed(reason: "its response has no complete HTTP header")
        }
        let lines = String(decoding: bytes[..<headEnd], as: UTF8.self).split(separator: "\r\n")
        let words = lines.first?.split(separator: " ", maxSplits: 2) ?? []
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]), 100...999 ~= status
        else {
            throw Malformed(reason: "its response is not HTTP")
        }
        var body = bytes[(headEnd + 4)...]
        for line in lines.dropFirst() {
            let field = line.split(separator: ":", maxSplits: 1)
            guard field.count == 2, field[0].lowercased() == "content-length" else { continue }
            guard let length = Int(field[1].filter { $0 != " " }), 0...body.count ~= length else {
                throw Malformed(reason: "its response ends too early")
            }
            body = body.prefix(length)
        }
        self.status = status
        self.body = Array(body)
    }

    private static func endOfHead(_ bytes: [UInt8]) -> Int? {
        let end = Array("\r\n\r\n".utf8)
        guard bytes.count >= end.count else { return nil }
        return (0...bytes.count - end.count).first { bytes[$0...].starts(with: end) }
    }
}
