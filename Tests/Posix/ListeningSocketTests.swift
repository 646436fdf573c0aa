import Glibc
import Posix
import Testing

@Suite("TCP listening sockets")
struct ListeningSocketTests {
    /// Connects to a port of a loopback address, and returns the client's socket; nil if that fails.
    func client(_ host: String, _ port: UInt16) -> RawSocket? {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, "\(port)", &hints, &list) == 0, let list else { return nil }
        defer { freeaddrinfo(list) }
        let client = RawSocket(family: list.pointee.ai_family)
        return connect(client.number, list.pointee.ai_addr, list.pointee.ai_addrlen) == 0 ? client : nil
    }

    @Test(
        "it listens on the port that it tells",
        arguments: [("127.0.0.1", "127.0.0.1"), ("localhost", "127.0.0.1")])
    func listens(_ host: String, _ target: String) throws {
        let listening = try ListeningSocket.tcp(host: host, port: 0)
        let socket = RawSocket(owning: listening.descriptor)
        #expect(listening.boundPort != 0)
        #expect(client(target, listening.boundPort) != nil)
        #expect(fcntl(socket.number, F_GETFL) & O_NONBLOCK != 0)
        #expect(fcntl(socket.number, F_GETFD) & FD_CLOEXEC != 0)
    }

    @Test("also on IPv6", .enabled(if: hasIPv6, "this machine has no ::1"))
    func listensOnIPv6() throws {
        let listening = try ListeningSocket.tcp(host: "::1", port: 0)
        let socket = RawSocket(owning: listening.descriptor)
        #expect(client("::1", listening.boundPort) != nil)
        _ = socket
    }

    @Test("a port that is taken is told with its address")
    func inUse() throws {
        let first = try ListeningSocket.tcp(host: "127.0.0.1", port: 0)
        let socket = RawSocket(owning: first.descriptor)
        let address = "127.0.0.1:\(first.boundPort)"
        #expect(throws: ListeningSocketError.inUse(address: address)) {
            try ListeningSocket.tcp(host: "127.0.0.1", port: first.boundPort)
        }
        #expect(ListeningSocketError.inUse(address: address).description.contains(address))
        _ = socket
    }

    @Test("a port can be taken again at once after a connection of it was closed")
    func restart() throws {
        let first = try ListeningSocket.tcp(host: "127.0.0.1", port: 0)
        let socket = RawSocket(owning: first.descriptor)
        let client = try #require(self.client("127.0.0.1", first.boundPort))
        // The server closes first, so that its side of the connection stays in TIME_WAIT.
        socket.accept().close()
        #expect(client.receive() == "")
        client.close()
        socket.close()
        let second = try ListeningSocket.tcp(host: "127.0.0.1", port: first.boundPort)
        close(second.descriptor)
    }

    @Test(
        "names and malformed addresses are refused",
        arguments: ["", "example.com", "127.0.0.1:80", "[::1]", "1.2.3.4.5"])
    func notAnAddress(_ host: String) {
        #expect(throws: ListeningSocketError.notAnAddress(host: host)) {
            try ListeningSocket.tcp(host: host, port: 0)
        }
    }

    @Test("a name is refused also where it could be resolved: a start must not depend on a resolver")
    func ownName() {
        var buffer = [CChar](repeating: 0, count: 256)
        #expect(gethostname(&buffer, buffer.count - 1) == 0)
        let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        #expect(throws: ListeningSocketError.notAnAddress(host: name)) {
            try ListeningSocket.tcp(host: name, port: 0)
        }
    }

    @Test("an address that is not this machine's is the system's error")
    func foreignAddress() {
        #expect(
            throws: ListeningSocketError.system(
                address: "192.0.2.1:8379", operation: "bind", code: EADDRNOTAVAIL)
        ) { try ListeningSocket.tcp(host: "192.0.2.1", port: 8379) }
    }
}

/// Whether the loopback interface has its IPv6 address.
private let hasIPv6 = (try? ListeningSocket.tcp(host: "::1", port: 0)).map { close($0.descriptor) } != nil
