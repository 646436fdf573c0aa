import Glibc
import Testing

@testable import Posix

@Suite("A socket that a service manager has made", .serialized)
struct ActivatedSocketTests {
    let directory = TemporaryDirectory()
    var path: String { directory("s") }

    /// A copy of the descriptor, which the socket under test owns.
    func activate(_ socket: RawSocket, path: String? = nil) throws -> ActivatedSocket {
        try ActivatedSocket(path: path ?? self.path, descriptor: dup(socket.number))
    }

    @Test("it is used as it is, and nothing is left beside it or taken away with it")
    func used() throws {
        let manager = RawSocket.listening(at: path)
        let before = try #require(status(path))
        let activated = try activate(manager)
        defer { close(activated.descriptor) }
        #expect(fcntl(activated.descriptor, F_GETFL) & O_NONBLOCK != 0)
        #expect(fcntl(activated.descriptor, F_GETFD) & FD_CLOEXEC != 0)
        #expect(activated.isOurs)
        #expect(connectResult(path) == 0)
        activated.release()
        #expect(activated.isOurs && directory.names == ["s"])
        #expect(status(path)?.st_mode == before.st_mode && status(path)?.st_ino == before.st_ino)
    }

    @Test("what is not what a relay listens on is refused, and says how it differs")
    func refused() throws {
        let listening = RawSocket.listening(at: path)
        #expect(throws: PassedSocketError.path(path, wanted: directory("t"))) {
            try activate(listening, path: directory("t"))
        }
        #expect(throws: PassedSocketError.kind("is not a stream socket")) {
            try activate(RawSocket.listening(at: directory("d"), SOCK_DGRAM))
        }
        #expect(throws: PassedSocketError.kind("is not a Unix socket")) { try activate(RawSocket(family: AF_INET)) }
        #expect(throws: PassedSocketError.kind("does not listen")) { try activate(RawSocket()) }
        let (reading, _) = RawSocket.pipe()
        #expect(throws: PassedSocketError.kind("is a FIFO, not a socket")) { try activate(reading) }
        #expect(throws: PassedSocketError.kind("is not open")) { try ActivatedSocket(path: path, descriptor: 1 << 20) }
        let unnamed = RawSocket()
        listen(unnamed.number, 1)
        #expect(throws: PassedSocketError.self) { try activate(unnamed) }
    }

    @Test("a path that vanishes, or is another's, is noticed, and is never bound again by us")
    func lost() throws {
        let manager = RawSocket.listening(at: path)
        let activated = try activate(manager)
        defer { close(activated.descriptor) }
        rename(path, directory("moved"))
        #expect(!activated.isOurs)
        #expect(throws: SocketPathError.lostByServiceManager(path: path, found: nil)) { try activated.bindAgain() }
        let other = RawSocket.listening(at: path)
        #expect(!activated.isOurs)
        #expect(throws: SocketPathError.lostByServiceManager(path: path, found: "a socket")) {
            try activated.bindAgain()
        }
        other.close()
        rename(directory("moved"), path)
        #expect(activated.isOurs)
    }

    @Test("a path that is somebody else's from the start is noticed, also where a dead socket is there")
    func othersFromTheStart() throws {
        let manager = RawSocket.listening(at: path)
        rename(path, directory("moved"))
        RawSocket.listening(at: path).close()
        let activated = try activate(manager)
        defer { close(activated.descriptor) }
        #expect(!activated.isOurs)
        unlink(path)
        let child = ChildProcess([
            "python3", "-c",
            "import socket,sys; s=socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(9); print('on',flush=True);"
                + "sys.stdin.read()", path,
        ])
        #expect(child.readOutput().hasPrefix("on"))
        #expect(!activated.isOurs, "another process listens there")
        child.end(by: SIGKILL)
        unlink(path)
        rename(directory("moved"), path)
        #expect(activated.isOurs)
    }

    @Test("descriptors are taken where they are for this process, and the variables are gone afterwards")
    func passed() throws {
        func take(_ variables: [String: String]) throws -> Int {
            try PassedDescriptors.take { variables[$0] }.count
        }
        setenv("LISTEN_FDS", "1", 1)
        #expect(try take([:]) == 0)
        #expect(getenv("LISTEN_FDS") == nil)
        #expect(try take(["LISTEN_FDS": "1"]) == 0)
        #expect(try take(["LISTEN_FDS": "1", "LISTEN_PID": "\(getpid() + 1)"]) == 0)
        #expect(try take(["LISTEN_FDS": "0", "LISTEN_PID": "\(getpid())"]) == 0)
        for wrong in ["x", "-1", "70000", ""] {
            #expect(throws: PassedSocketError.count(wrong)) {
                try take(["LISTEN_FDS": wrong, "LISTEN_PID": "\(getpid())"])
            }
        }
    }
}
