internal import Configuration
internal import Posix

/// One GET on a relay's HTTP side.
enum HTTPClient {
    /// - Parameter timeout: nanoseconds for connecting, and again for the whole answer.
    /// - Throws: ``CommandFailure`` when HTTP is off, nobody serves there, or no answer comes in time.
    static func get(_ path: String, from listen: HTTPListen, timeout: UInt64) throws(CommandFailure)
        -> HTTPResponse
    {
        let hint = "is hubrelay serving with --http there? Use --http or HUBRELAY_HTTP for another address"
        var transport: Transport
        let host: String
        switch listen {
        case .off: throw .failed("--http is off, so there is nothing to ask")
        case .unix(let path):
            host = "localhost"
            transport = try .unix(path: path, timeout: timeout, hint: hint)
        case .tcp(let address, let port):
            host = "\(bracketed(address)):\(port)"
            transport = try .tcp(host: address, port: port, timeout: timeout, hint: hint)
        }
        let deadline = Clock.monotonicNanoseconds() + timeout
        try transport.write(HTTPResponse.request(path: path, host: host), before: deadline)
        var bytes: [UInt8] = []
        while true {
            guard let more = try transport.read(before: deadline) else {
                throw .failed("no complete response from \(listen) within \(formatDuration(timeout))")
            }
            if more.isEmpty { break }
            bytes += more
            guard bytes.count <= maxResponseBytes else { throw .failed("the response from \(listen) is too long") }
        }
        do throws(HTTPResponse.Malformed) {
            return try HTTPResponse(bytes)
        } catch {
            throw .failed("\(listen) is not a relay: \(error.reason)")
        }
    }

    /// /health has about 1 KiB. A listing of the longest names, all of them escaped, has 4 MiB.
    private static let maxResponseBytes = 8 << 20
}
