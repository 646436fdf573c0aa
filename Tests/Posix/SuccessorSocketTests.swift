import Glibc
import Posix
import Testing

@Suite("A socket that waits for the path of another process")
struct SuccessorSocketTests {
    let directory = TemporaryDirectory()
    var path: String { directory("s") }

    func take() throws -> SocketPathTests.Held { try SocketPathTests.Held(path) }

    /// A successor that waits, and its descriptor. In the daemon, the event loop owns the descriptor.
    final class Waiting {
        let socket: SuccessorSocket
        var taken: SocketPath?

        init(_ path: String, mode: UInt32 = 0o660) throws {
            socket = try SuccessorSocket(path: path, mode: mode, group: nil, backlog: 16)
        }

        deinit { close(socket.descriptor) }

        func takes() throws -> Bool {
            taken = try socket.take()
            return taken != nil
        }
    }

    @Test("the path is without a listening socket at no moment, and has the successor's as it is left")
    func handOver() throws {
        let old = try take()
        let new = try Waiting(path, mode: 0o640)
        #expect(try !new.takes(), "the old one has not left")
        #expect(old.path.isOurs)
        old.path.release()
        // This is before the successor has done anything.
        #expect(connectResult(path) == 0)
        #expect(accept(new.socket.descriptor, nil, nil) >= 0)
        #expect(try new.takes())
        #expect(new.taken?.isOurs == true)
        #expect(status(path).map { $0.st_mode & 0o7777 } == 0o640)
        #expect(directory.names == ["s", "s.lock", "s.next.lock"])
        #expect(throws: SocketPathError.locked(path: path, pid: getpid())) { try take() }
        new.taken?.release()
        #expect(directory.names == ["s.lock", "s.next.lock"])
    }

    @Test("paths as long as they may be are handed over, too", arguments: 102...107)
    func longPaths(_ bytes: Int) throws {
        let path = directory.path(ofBytes: bytes)
        let old = try SocketPathTests.Held(path)
        let new = try Waiting(path)
        old.path.release()
        #expect(connectResult(path) == 0)
        #expect(try new.takes())
        #expect(directory.names.count == 3)
    }

    @Test("one that was killed, and so has left its socket there, is followed as well")
    func killed() throws {
        var old: RawSocket? = RawSocket.listening(at: path)
        directory.write("", to: "s.lock")
        let new = try Waiting(path)
        #expect(throws: SocketPathError.live(path: path), "the lock is free, and somebody listens") { try new.takes() }
        old = nil
        #expect(try new.takes())
        #expect(connectResult(path) == 0 && directory.names == ["s", "s.lock", "s.next.lock"])
        _ = old
    }

    @Test("two cannot wait for one path")
    func two() throws {
        let old = try take()
        let first = try Waiting(path)
        #expect(throws: SocketPathError.beingTakenOver(path: path, pid: getpid())) { try Waiting(path) }
        old.path.release()
        #expect(try first.takes())
        // From now on, another successor may wait for the path of the first.
        let second = try Waiting(path)
        first.taken?.release()
        #expect(try second.takes())
    }

    @Test("one that gives up leaves nothing, and the path as it is")
    func abandoned() throws {
        let old = try take()
        let new = try Waiting(path)
        #expect(directory.names == ["s", "s.lock", "s.next", "s.next.lock"])
        new.socket.abandon()
        #expect(directory.names == ["s", "s.lock", "s.next.lock"])
        #expect(old.path.isOurs)
        old.path.release()
        #expect(directory.names == ["s.lock", "s.next.lock"])
    }

    @Test("one that gives up when it was given the path already removes it")
    func abandonedLate() throws {
        let old = try take()
        let new = try Waiting(path)
        old.path.release()
        new.socket.abandon()
        #expect(directory.names == ["s.lock", "s.next.lock"])
    }

    @Test("what a successor left there that has ended is not given the path")
    func deadSuccessor() throws {
        let old = try take()
        directory.write("1\n", to: "s.next.lock")
        RawSocket.listening(at: directory("s.next")).close()
        old.path.release()
        #expect(status(path) == nil)
        let again = try take()
        // The next successor removes it.
        let new = try Waiting(path)
        again.path.release()
        #expect(connectResult(path) == 0)
        #expect(try new.takes())
    }

    @Test("a path that is another's by now is not given to a successor")
    func foreign() throws {
        let old = try take()
        let new = try Waiting(path)
        unlink(path)
        directory.write("precious", to: "s")
        old.path.release()
        #expect(directory.read("s") == "precious")
        #expect(throws: SocketPathError.notASocket(path: path, kind: "a regular file")) { try new.takes() }
    }

    @Test("who serves the path is asked to stop only if it listens there, and its lock names it")
    func asking() throws {
        let child = ChildProcess(["cat"])
        #expect(throws: PathHolderError.unknown(path: path)) { try PathHolder.askToStop(path: path) }
        let listener = RawSocket.listening(at: path)
        directory.write("\(child.pid)\n", to: "s.lock")
        #expect(throws: PathHolderError.notTheListener(path: path, holder: child.pid, listener: getpid())) {
            try PathHolder.askToStop(path: path)
        }
        #expect(kill(child.pid, 0) == 0)
        listener.close()
        let error = #expect(throws: PathHolderError.self) { try PathHolder.askToStop(path: path) }
        #expect(error?.mayPass == true && "\(error!)".contains("connect to \(path)"))
    }
}
