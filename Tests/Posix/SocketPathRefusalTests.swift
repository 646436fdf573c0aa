import Glibc
import Posix
import Testing

@Suite("Paths that are refused, and left as they are")
struct SocketPathRefusalTests {
    let directory = TemporaryDirectory()
    var path: String { directory("s") }

    /// The error of an attempt to take a path; nil if it was taken.
    func refusal(_ path: String? = nil, group: UInt32? = nil) -> SocketPathError? {
        do throws(SocketPathError) {
            let taken = try SocketPath.bind(path: path ?? self.path, mode: 0o660, group: group, backlog: 16)
            close(taken.descriptor)
            return nil
        } catch { return error }
    }

    @Test("a second relay is told whose path it is, and the first serves on")
    func second() throws {
        let first = try SocketPath.bind(path: path, mode: 0o660, group: nil, backlog: 16)
        defer { close(first.descriptor) }
        let refusal = refusal()
        #expect(refusal == .locked(path: path, pid: getpid()))
        let text = refusal?.description ?? ""
        #expect(text.contains(path) && text.contains("pid \(getpid())"))
        #expect(connectResult(path) == 0)
        #expect(directory.names == ["s", "s.lock"])
    }

    @Test("the lock of another process counts, until that process is killed")
    func otherProcess() {
        directory.write("1\n", to: "s.lock")
        let holder = lockHolder(directory("s.lock"))
        #expect(refusal() == .locked(path: path, pid: 1))
        holder.end(by: SIGKILL)
        #expect(refusal() == nil)
    }

    @Test(
        "a pid that is nobody's, or no number, is not told",
        arguments: ["", "x", "-1", "0", "4194304999", "2147483647\n"])
    func unknownOwner(_ content: String) {
        directory.write(content, to: "s.lock")
        let holder = lockHolder(directory("s.lock"))
        #expect(refusal() == .locked(path: path, pid: nil))
        #expect(directory.read("s.lock") == content)
        holder.end(by: SIGKILL)
    }

    @Test("a socket that another program serves is never taken")
    func live() throws {
        let other = RawSocket.listening(at: path)
        let inode = status(path)?.st_ino
        #expect(refusal() == .live(path: path))
        #expect(status(path)?.st_ino == inode)
        #expect(connectResult(path) == 0)
        #expect(directory.names == ["s", "s.lock"])
        _ = other
    }

    @Test("nor one whose queue is full, nor one that is not a stream socket")
    func busy() throws {
        let other = RawSocket.listening(at: path, backlog: 0)
        var clients: [RawSocket] = []
        var result: Int32 = 0
        while result == 0 {
            let client = RawSocket()
            client.setNonBlocking()
            result = client.connect(to: path)
            clients.append(client)
        }
        #expect(result == EAGAIN)
        #expect(refusal() == .live(path: path))

        let datagram = RawSocket.listening(at: directory("d"), SOCK_DGRAM)
        #expect(refusal(directory("d")) == .live(path: directory("d")))
        _ = (other, datagram)
    }

    @Test("a regular file, a directory, a symbolic link and a FIFO are not removed")
    func notASocket() throws {
        directory.write("precious", to: "file")
        #expect(refusal(directory("file")) == .notASocket(path: directory("file"), kind: "a regular file"))
        #expect(directory.read("file") == "precious")

        mkdir(directory("dir"), 0o700)
        #expect(refusal(directory("dir")) == .notASocket(path: directory("dir"), kind: "a directory"))

        // A link is refused even if it leads to a stale socket, which itself could be replaced.
        RawSocket.listening(at: directory("stale")).close()
        symlink("stale", directory("link"))
        #expect(refusal(directory("link")) == .notASocket(path: directory("link"), kind: "a symbolic link"))
        symlink("nowhere", directory("dangling"))
        #expect(
            refusal(directory("dangling"))
                == .notASocket(path: directory("dangling"), kind: "a symbolic link"))

        mkfifo(directory("fifo"), 0o600)
        #expect(refusal(directory("fifo")) == .notASocket(path: directory("fifo"), kind: "a FIFO"))
        #expect(
            directory.names.filter { !$0.hasSuffix(".lock") }
                == ["dangling", "dir", "fifo", "file", "link", "stale"])
    }

    @Test("a temporary name that is taken by something else is not removed either")
    func temporaryNameTaken() {
        directory.write("precious", to: "s.new")
        guard case .notASocket(let path, kind: "a regular file") = refusal() else {
            Issue.record("expected to be refused")
            return
        }
        #expect(path.contains("s.new"))
        #expect(directory.read("s.new") == "precious")
    }

    @Test("a path of more than 107 bytes is an error at once")
    func tooLong() {
        let path = directory.path(ofBytes: 108)
        let refusal = refusal(path)
        #expect(refusal == .tooLong(path: path, bytes: 108, limit: 107))
        #expect(refusal?.description.contains("at most 107") == true)
        #expect(directory.names.isEmpty)
    }

    @Test("a missing directory is named")
    func missingDirectory() {
        let path = directory("none/s")
        #expect(refusal(path) == .noDirectory(path: path, directory: directory("none")))
        directory.write("", to: "file")
        #expect(
            refusal(directory("file/s"))
                == .noDirectory(path: directory("file/s"), directory: directory("file")))
    }

    @Test("what is no path of a file is refused", arguments: ["", "/", "/tmp/", "/tmp/a\0b"])
    func notAFileName(_ path: String) {
        #expect(refusal(path) == .notAFileName(path: path))
    }

    @Test(
        "a lock file that is a link, a directory or a FIFO is refused, and what a link leads to stays as it is"
    )
    func badLockFile() {
        directory.write("precious", to: "target")
        symlink("target", directory("a.lock"))
        mkdir(directory("b.lock"), 0o700)
        mkfifo(directory("c.lock"), 0o600)
        for (name, kind) in [("a", "a symbolic link"), ("b", "a directory"), ("c", "a FIFO")] {
            #expect(refusal(directory(name)) == .badLockFile(path: directory(name) + ".lock", problem: .kind(kind)))
        }
        #expect(directory.read("target") == "precious")
    }

    @Test("a lock file that is a hard link is refused, and what it leads to stays as it is")
    func hardLink() {
        directory.write("precious", to: "target")
        link(directory("target"), directory("s.lock"))
        let refusal = refusal()
        #expect(refusal == .badLockFile(path: path + ".lock", problem: .names(2)))
        #expect(refusal?.description.contains("hard link") == true)
        #expect(directory.read("target") == "precious")
        // When this is the only name that is left, it can be used.
        unlink(directory("target"))
        #expect(self.refusal() == nil)
    }

    @Test(
        "a lock file of another user's is refused and stays as it is", .enabled(if: getuid() == 0, "chown takes root"))
    func lockOfAnotherUser() {
        directory.write("theirs", to: "s.lock")
        chown(directory("s.lock"), 12345, 12345)
        let refusal = refusal()
        #expect(refusal == .badLockFile(path: path + ".lock", problem: .owner(12345, notUser: 0)))
        #expect(refusal?.description.contains("belongs to user 12345") == true)
        #expect(directory.read("s.lock") == "theirs")
    }

    @Test(
        "a directory that may not be written to is an error that names the path", .enabled(if: getuid() != 0))
    func unwritable() {
        chmod(directory.path, 0o500)
        guard case .system(path, _, EACCES) = refusal() else {
            Issue.record("expected EACCES")
            return
        }
    }

    @Test("a directory in which no file can be made is an error that names the path")
    func noFiles() {
        guard case .system("/proc/s", _, _)? = refusal("/proc/s") else {
            Issue.record("expected to be refused")
            return
        }
    }
}

/// Another process (flock(1) of util-linux) that holds a lock until it is killed. Returns once the lock is held.
private func lockHolder(_ lockPath: String) -> ChildProcess {
    // Without --close, the child of flock would hold the lock as well, and live longer than flock.
    let holder = ChildProcess(["flock", "--close", "--nonblock", lockPath, "sh", "-c", "echo held; exec cat"])
    precondition(holder.readOutput() == "held\n", "flock did not get the lock")
    return holder
}
