import Glibc
import Posix
import Testing

@Suite("A path that is lost while it is listened on")
struct SocketPathAgainTests {
    let directory = TemporaryDirectory()
    var path: String { directory("s") }

    func take(_ path: String? = nil) throws -> SocketPathTests.Held { try SocketPathTests.Held(path ?? self.path) }

    @Test("it is ours until it is deleted, moved, or something else is there")
    func ours() throws {
        let held = try take()
        #expect(held.path.isOurs)
        rename(path, directory("moved"))
        #expect(!held.path.isOurs)
        directory.write("", to: "s")
        #expect(!held.path.isOurs)
        unlink(path)
        symlink("moved", path)
        #expect(!held.path.isOurs)
        rename(directory("moved"), path)
        #expect(held.path.isOurs)
    }

    @Test("a path that was deleted is bound again, with its mode, and given up as before", arguments: [false, true])
    func deleted(_ withItsLock: Bool) throws {
        let held = try SocketPathTests.Held(path, mode: 0o640)
        let old = held.path.descriptor
        unlink(path)
        if withItsLock { unlink(directory("s.lock")) }
        try held.path.bindAgain()
        #expect(held.path.isOurs && held.path.descriptor != old)
        #expect(connectResult(path) == 0)
        #expect(status(path).map { $0.st_mode & 0o7777 } == 0o640)
        #expect(directory.names == ["s", "s.lock"])
        // The lock is held, so another attempt of our own process is refused.
        #expect(throws: SocketPathError.locked(path: path, pid: getpid())) { try take() }
        held.path.release()
        #expect(directory.names == ["s.lock"])
        close(old)
    }

    @Test("a directory that was made anew gets a socket and a lock")
    func newDirectory() throws {
        mkdir(directory("d"), 0o700)
        let held = try take(directory("d/s"))
        let old = held.path.descriptor
        rename(directory("d"), directory("old"))
        #expect(!held.path.isOurs)
        #expect(throws: SocketPathError.noDirectory(path: directory("d/s"), directory: directory("d"))) {
            try held.path.bindAgain()
        }
        mkdir(directory("d"), 0o700)
        try held.path.bindAgain()
        #expect(held.path.isOurs && connectResult(directory("d/s")) == 0)
        #expect(status(directory("d/s.lock")) != nil)
        held.path.release()
        #expect(status(directory("d/s")) == nil)
        close(old)
        for name in ["old/s", "old/s.lock", "d/s.lock"] { unlink(directory(name)) }
    }

    @Test("another program's socket, a file, and the path of another relay are left as they are")
    func taken() throws {
        let held = try take()
        unlink(path)
        let other = RawSocket.listening(at: path)
        #expect(throws: SocketPathError.live(path: path)) { try held.path.bindAgain() }
        #expect(connectResult(path) == 0)
        unlink(path)
        directory.write("precious", to: "s")
        #expect(throws: SocketPathError.notASocket(path: path, kind: "a regular file")) { try held.path.bindAgain() }
        #expect(directory.read("s") == "precious")
        unlink(path)
        // If the lock file is deleted as well, another relay may have taken both.
        unlink(directory("s.lock"))
        let successor = try take()
        #expect(throws: SocketPathError.locked(path: path, pid: getpid())) { try held.path.bindAgain() }
        held.path.release()
        #expect(successor.path.isOurs && connectResult(path) == 0)
        _ = other
    }

    @Test("what another program has left behind there is replaced")
    func stale() throws {
        let held = try take()
        let old = held.path.descriptor
        unlink(path)
        RawSocket.listening(at: path).close()
        try held.path.bindAgain()
        #expect(connectResult(path) == 0)
        close(old)
    }
}
