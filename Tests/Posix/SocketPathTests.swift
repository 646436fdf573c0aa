import Glibc
import Posix
import Testing

@Suite("Taking and giving up a socket's path")
struct SocketPathTests {
    let directory = TemporaryDirectory()
    var path: String { directory("s") }

    func take(_ path: String? = nil) throws -> Held { try Held(path ?? self.path) }

    @Test(
        "a bound path can be connected to, and nothing but the socket and its lock is left in the directory")
    func listens() throws {
        let held = try take()
        #expect(connectResult(path) == 0)
        #expect(directory.names == ["s", "s.lock"])
        #expect(status(directory("s.lock")).map { $0.st_mode & 0o7777 } == 0o600)
        #expect(directory.read("s.lock") == "\(getpid())\n")
        #expect(fcntl(held.path.descriptor, F_GETFL) & O_NONBLOCK != 0)
        #expect(fcntl(held.path.descriptor, F_GETFD) & FD_CLOEXEC != 0)
    }

    @Test(
        "mode and group are as asked, whatever the umask",
        arguments: [0o600, 0o660, 0o666, 0o777] as [UInt32])
    func mode(_ mode: UInt32) throws {
        let held = try Held(path, mode: mode, group: getgid())
        let file = try #require(status(path))
        #expect(file.st_mode & 0o7777 == mode)
        #expect(file.st_gid == getgid())
        _ = held
    }

    @Test("a group that is given owns the socket", .enabled(if: getuid() == 0, "chown takes root"))
    func group() throws {
        let held = try Held(path, mode: 0o660, group: 12345)
        let file = try #require(status(path))
        #expect(file.st_gid == 12345)
        #expect(file.st_uid == getuid())
        _ = held
    }

    @Test("a stale socket is replaced")
    func staleSocket() throws {
        RawSocket.listening(at: path).close()
        #expect(connectResult(path) == ECONNREFUSED)
        let held = try take()
        #expect(connectResult(path) == 0)
        _ = held
    }

    @Test("giving the path up removes the socket and leaves the lock file, free to be taken")
    func release() throws {
        let first = try take()
        first.path.release()
        #expect(directory.names == ["s.lock"])
        first.path.release()
        let second = try take()
        #expect(connectResult(path) == 0)
        _ = (first, second)
    }

    @Test("an overlapping restart: the new process has the path while the old one serves on, and keeps it")
    func overlap() throws {
        let old = try take()
        let waiting = RawSocket()
        #expect(waiting.connect(to: path) == 0)
        old.path.release()
        let new = try take()
        // The old one ends completely, and must not remove the path of its successor.
        old.path.release()
        #expect(connectResult(path) == 0)
        // A client that connected before the change is served by the old one.
        #expect(accept(old.path.descriptor, nil, nil) >= 0)
        _ = new
    }

    @Test("ending without release gives the path up as well")
    func deinitReleases() throws {
        do {
            let held = try take()
            _ = held
        }
        #expect(directory.names == ["s.lock"])
    }

    @Test("giving up does not remove what somebody else has put in its place")
    func releaseLeavesForeignFiles() throws {
        let held = try take()
        unlink(path)
        directory.write("precious", to: "s")
        held.path.release()
        #expect(directory.read("s") == "precious")
    }

    @Test("paths up to the limit of a Unix socket work, and one byte more is an error", arguments: 100...107)
    func longPaths(_ bytes: Int) throws {
        let path = directory.path(ofBytes: bytes)
        let held = try take(path)
        #expect(connectResult(path) == 0)
        held.path.release()
        #expect(directory.names.count == 1)
    }

    @Test("what a killed predecessor left under the temporary name is cleared away", arguments: [20, 106])
    func leftover(_ bytes: Int) throws {
        let path = directory.path(ofBytes: max(bytes, directory.path.utf8.count + 2))
        let probe = try take(path)
        probe.path.release()
        let lock = try #require(status(path + ".lock"))
        // Both forms of the temporary name (see UnnamedSocket).
        let temporary = bytes == 20 ? path + ".new" : directory("." + String(lock.st_ino, radix: 16))
        RawSocket.listening(at: temporary).close()
        let held = try take(path)
        #expect(status(temporary) == nil)
        #expect(connectResult(path) == 0)
        _ = held
    }

    /// A taken path and its descriptor. In the daemon, the event loop owns the descriptor.
    final class Held {
        let path: SocketPath

        init(_ path: String, mode: UInt32 = 0o660, group: UInt32? = nil) throws {
            self.path = try SocketPath.bind(path: path, mode: mode, group: group, backlog: 16)
        }

        deinit { close(path.descriptor) }
    }
}
