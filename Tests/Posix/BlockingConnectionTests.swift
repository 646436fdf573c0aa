import Glibc
import Posix
import Testing

@Suite("The client socket of the small commands")
struct BlockingConnectionTests {
    let directory = TemporaryDirectory()
    let second: UInt64 = 1_000_000_000

    /// A deadline that is never reached in a test that works.
    var late: UInt64 { Clock.monotonicNanoseconds() + 30 * second }

    func code(_ body: () throws -> Void) -> Int32? {
        do { try body() } catch { return (error as? SystemError)?.code }
        return nil
    }

    @Test("bytes both ways over a Unix socket, then the end of the stream")
    func unix() throws {
        let listening = RawSocket.listening(at: directory("s"))
        var connection = try BlockingConnection.unix(path: directory("s"), timeout: second)
        let server = listening.accept()
        try connection.write(Array("hello".utf8), deadline: late)
        #expect(server.receive() == "hello")
        server.send("world")
        #expect(try connection.read(deadline: late) == Array("world".utf8))
        server.close()
        #expect(try connection.read(deadline: late)?.isEmpty == true)
    }

    @Test("and over TCP", arguments: ["127.0.0.1", "localhost"])
    func tcp(_ host: String) throws {
        let listening = try ListeningSocket.tcp(host: "127.0.0.1", port: 0)
        let socket = RawSocket(owning: listening.descriptor)
        var connection = try BlockingConnection.tcp(host: host, port: listening.boundPort, timeout: second)
        let server = socket.accept()
        try connection.write(Array("hello".utf8), deadline: late)
        #expect(server.receive() == "hello")
    }

    @Test("a connection that ends closes its descriptor: the peer sees the end")
    func closes() throws {
        let listening = RawSocket.listening(at: directory("s"))
        func connectAndEnd() throws { _ = try BlockingConnection.unix(path: directory("s"), timeout: second) }
        try connectAndEnd()
        #expect(listening.accept().receive() == "")
    }

    @Test("nothing in time is nil, and the wait was as long as said")
    func readDeadline() throws {
        let listening = RawSocket.listening(at: directory("s"))
        var connection = try BlockingConnection.unix(path: directory("s"), timeout: second)
        let start = Clock.monotonicNanoseconds()
        #expect(try connection.read(deadline: start + 30_000_000) == nil)
        #expect(Clock.monotonicNanoseconds() - start >= 30_000_000)
        _ = listening
    }

    @Test("a peer that does not read ends a write at its deadline")
    func writeDeadline() throws {
        let listening = RawSocket.listening(at: directory("s"))
        var connection = try BlockingConnection.unix(path: directory("s"), timeout: second)
        let bytes = [UInt8](repeating: 0, count: 10_000_000)
        var result: Int32?
        do { try connection.write(bytes, deadline: Clock.monotonicNanoseconds() + 20_000_000) } catch {
            result = error.code
        }
        #expect(result == ETIMEDOUT)
        _ = listening
    }

    @Test("a write to a peer that has gone is an error, not a signal")
    func peerGone() throws {
        let listening = RawSocket.listening(at: directory("s"))
        var connection = try BlockingConnection.unix(path: directory("s"), timeout: second)
        listening.accept().close()
        var result: Int32?
        do { try connection.write([1], deadline: late) } catch { result = error.code }
        #expect(result == EPIPE)
    }

    @Test("why it cannot connect")
    func cannotConnect() throws {
        #expect(code { _ = try BlockingConnection.unix(path: directory("none"), timeout: second) } == ENOENT)
        RawSocket.listening(at: directory("stale")).close()
        #expect(
            code { _ = try BlockingConnection.unix(path: directory("stale"), timeout: second) }
                == ECONNREFUSED)
        let long = directory.path(ofBytes: 108)
        #expect(code { _ = try BlockingConnection.unix(path: long, timeout: second) } == ENAMETOOLONG)
        #expect(
            code { _ = try BlockingConnection.tcp(host: "example.com", port: 1, timeout: second) } == EINVAL)
        // A port that was free a moment ago.
        let listening = try ListeningSocket.tcp(host: "127.0.0.1", port: 0)
        close(listening.descriptor)
        #expect(
            code {
                _ = try BlockingConnection.tcp(host: "127.0.0.1", port: listening.boundPort, timeout: second)
            }
                == ECONNREFUSED)
    }
}
