import Glibc
import Posix
import Testing

@Suite("Who is at the other end")
struct PeerCredentialsTests {
    @Test("a peer in this process has this process's ids and groups")
    func ourselves() throws {
        let (one, other) = RawSocket.pair()
        let peer = try PeerCredentials(descriptor: one.number)
        #expect(peer.pid == getpid())
        #expect(peer.uid == getuid())
        #expect(peer.gid == getgid())
        var groups = [gid_t](repeating: 0, count: 65_536)
        let count = getgroups(Int32(groups.count), &groups)
        #expect(Set(peer.groups) == Set(groups[..<Int(count)]))
        _ = other
    }

    @Test(
        "another process with more groups than fit at first",
        .enabled(if: getuid() == 0, "setpriv takes root"))
    func manyGroups() throws {
        let directory = TemporaryDirectory()
        let listening = RawSocket.listening(at: directory("s"))
        let groups = (1000..<1200).map(String.init).joined(separator: ",")
        let connect =
            "import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); sys.stdin.read()"
        let child = ChildProcess([
            "setpriv", "--regid=8765", "--groups=\(groups)", "python3", "-c", connect, directory("s"),
        ])
        let accepted = listening.accept()
        let peer = try PeerCredentials(descriptor: accepted.number)
        #expect(peer.uid == getuid())
        #expect(peer.gid == 8765)
        #expect(peer.pid == child.pid)
        #expect(Set(peer.groups) == Set(1000..<1200))
        #expect(peer.belongs(to: 8765) && peer.belongs(to: 1199))
        #expect(!peer.belongs(to: 1200))
        child.end(by: SIGTERM)
    }

    @Test("a TCP peer is nobody")
    func tcp() throws {
        let listening = try ListeningSocket.tcp(host: "127.0.0.1", port: 0)
        let socket = RawSocket(owning: listening.descriptor)
        let peer = try PeerCredentials(descriptor: socket.number)
        #expect(peer.pid == 0 && peer.uid == UInt32.max && peer.gid == UInt32.max && peer.groups.isEmpty)
    }

    @Test("what is no socket is an error")
    func notASocket() throws {
        let file = RawSocket(owning: open("/dev/null", O_RDONLY))
        let error = #expect(throws: SystemError.self) { try PeerCredentials(descriptor: file.number) }
        #expect(error?.code == ENOTSOCK)
    }
}
