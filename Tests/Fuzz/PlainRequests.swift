internal import Glibc

/// A request that can be understood in only one way: legal by RFC 9112, and without anything that servers may interpret
/// differently.
struct PlainRequest {
    enum Body { case none, bytes(Int), chunked }

    var method = ""
    var path = ""
    var query = ""
    var hosts: [[UInt8]] = []
    /// Whether it is a request of HTTP/1.0.
    var isOld = false
    /// Whether the connection ends after the answer.
    var isLast = false
    private var saysConnection = false
    var expectsContinue = false
    var body = Body.none
}

/// What is known of the bytes that a client has sent, from the beginning of a request on.
enum PlainReading {
    /// The head is not complete yet.
    case none
    /// The head is complete, and a part of the body is there.
    case head(PlainRequest, bodyBytes: Int)
    case whole(PlainRequest, size: Int)
    /// The body is larger than what is read of a body.
    case endless
    /// Servers may do anything that HTTP allows, on this request and on everything after it.
    case beyond

    static let largestBody = 64 * 1024
    /// Larger heads may be too large for the memory of a connection.
    private static let largestHead = 2048
    private static let mostHeaders = 30

    init(_ bytes: ArraySlice<UInt8>) {
        var lines = PlainLines(bytes)
        var request: PlainRequest?
        var headers = 0
        while true {
            guard bytes.count - lines.rest.count <= Self.largestHead, headers <= Self.mostHeaders else {
                self = .beyond
                return
            }
            switch lines.next() {
            case .part:
                self = lines.rest.count > Self.largestHead ? .beyond : .none
                return
            case .broken:
                self = .beyond
                return
            case .line(let line) where request == nil:
                // Empty lines before a request do not count.
                if line.isEmpty { continue }
                request = PlainRequest(line: line)
            case .line(let line):
                guard let known = request else { break }
                if line.isEmpty {
                    self = Self.reading(known, before: lines.rest, headSize: bytes.count - lines.rest.count)
                    return
                }
                headers += 1
                if request?.take(header: line) != true { request = nil }
            }
            guard request != nil else {
                self = .beyond
                return
            }
        }
    }

    private static func reading(
        _ request: PlainRequest, before rest: ArraySlice<UInt8>, headSize: Int
    ) -> PlainReading {
        switch request.body {
        case .none: .whole(request, size: headSize)
        case .bytes(let count) where rest.count >= count && count <= largestBody:
            .whole(request, size: headSize + count)
        case .bytes: rest.count > largestBody ? .endless : .head(request, bodyBytes: rest.count)
        case .chunked: chunkedReading(request, before: rest, headSize: headSize)
        }
    }

    private static func chunkedReading(
        _ request: PlainRequest, before rest: ArraySlice<UInt8>, headSize: Int
    ) -> PlainReading {
        var lines = PlainLines(rest)
        var total = 0
        while true {
            guard case .line(let line) = lines.next() else {
                let digits = lines.rest.last == 13 ? lines.rest.dropLast() : lines.rest
                let isPlain = lines.rest.isEmpty || hexadecimal(digits) != nil
                return isPlain ? .head(request, bodyBytes: rest.count) : .beyond
            }
            guard let count = hexadecimal(line) else { return .beyond }
            total += min(count, lines.rest.count)
            if total > largestBody { return .endless }
            // A request with a trailer is `beyond`.
            switch lines.skip(count) {
            case .part: return .head(request, bodyBytes: rest.count)
            case .broken: return .beyond
            case .line: if count == 0 { return .whole(request, size: headSize + rest.count - lines.rest.count) }
            }
        }
    }

    private static func hexadecimal(_ line: ArraySlice<UInt8>) -> Int? {
        1...6 ~= line.count && line.allSatisfy { isxdigit(Int32($0)) != 0 }
            ? Int(String(decoding: line, as: UTF8.self), radix: 16) : nil
    }
}

extension PlainRequest {
    /// `METHOD TARGET HTTP/1.1`, with one space each.
    fileprivate init?(line: ArraySlice<UInt8>) {
        let parts = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard parts.count == 3, Self.isToken(parts[0]), 1...512 ~= parts[1].count,
            parts[1].allSatisfy({ 0x21...0x7E ~= $0 })
        else { return nil }
        method = String(decoding: parts[0], as: UTF8.self)
        let target = String(decoding: parts[1], as: UTF8.self)
        path = String(target.prefix { $0 != "?" })
        query = String(target.dropFirst(path.count + 1))
        switch String(decoding: parts[2], as: UTF8.self) {
        case "HTTP/1.1": break
        case "HTTP/1.0": (isOld, isLast) = (true, true)
        default: return nil
        }
    }

    /// - Returns: false if the field can be understood in more than one way.
    fileprivate mutating func take(header line: ArraySlice<UInt8>) -> Bool {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), Self.isToken(line[..<colon]) else { return false }
        var value = line[(colon + 1)...]
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        guard value.first != 0x20, value.last != 0x20, value.allSatisfy({ 0x20...0x7E ~= $0 }) else { return false }
        let text = String(decoding: value, as: UTF8.self).lowercased()
        switch String(decoding: line[..<colon], as: UTF8.self).lowercased() {
        case "host": hosts.append(Array(value))
        case "content-length":
            guard case .none = body, 1...9 ~= text.utf8.count, let count = Int(text),
                text.utf8.allSatisfy({ 0x30...0x39 ~= $0 })
            else { return false }
            // A length of 0 counts as a length, too: a second length would contradict it.
            body = .bytes(count)
        case "transfer-encoding":
            guard case .none = body, !isOld, text == "chunked" else { return false }
            body = .chunked
        case "connection":
            guard !saysConnection, ["close", "keep-alive"].contains(text) else { return false }
            (saysConnection, isLast) = (true, text == "close")
        case "expect":
            guard text == "100-continue" else { return false }
            expectsContinue = !isOld
        case "cookie", "upgrade": return false
        default: break
        }
        return true
    }

    private static func isToken(_ bytes: ArraySlice<UInt8>) -> Bool {
        1...40 ~= bytes.count
            && bytes.allSatisfy { isalnum(Int32($0)) != 0 || "!#$%&'*+-.^_`|~".utf8.contains($0) }
    }
}

/// Lines that end with CR and LF.
private struct PlainLines {
    enum Next {
        case line(ArraySlice<UInt8>)
        /// The end of the line is not there yet.
        case part
        /// There is a CR or an LF alone.
        case broken
    }

    private(set) var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    mutating func next() -> Next {
        guard let end = rest.firstIndex(where: { $0 == 13 || $0 == 10 }) else { return .part }
        guard rest[end] == 13 else { return .broken }
        guard end + 1 < rest.endIndex else { return .part }
        guard rest[end + 1] == 10 else { return .broken }
        defer { rest = rest[(end + 2)...] }
        return .line(rest[..<end])
    }

    /// Skips `count` bytes and the empty line that must follow them.
    mutating func skip(_ count: Int) -> Next {
        guard rest.count > count else { return .part }
        var tail = self
        tail.rest = rest.dropFirst(count)
        let next = tail.next()
        if case .line(let line) = next {
            guard line.isEmpty else { return .broken }
            self = tail
        }
        if case .part = next, tail.rest.count > 1 { return .broken }
        return next
    }
}
