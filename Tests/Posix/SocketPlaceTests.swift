import Glibc
import Posix
import Testing

@Suite("What is at a socket's path, found without changing anything")
struct SocketPlaceTests {
    let directory = TemporaryDirectory()
    var path: String { directory("s") }

    func look(_ path: String? = nil) -> SocketPlace {
        SocketPlace.look(at: path ?? self.path, as: .current())
    }

    @Test("nothing there, or a socket that nobody serves: it can be bound, and all is left as it is")
    func free() {
        #expect(look() == .free)
        #expect(directory.names.isEmpty)
        close(try! SocketPath.bind(path: path, mode: 0o660, group: nil, backlog: 16).descriptor)
        let killed = TemporaryDirectory()
        let listener = listeningSocket(killed("s"))
        close(listener)
        #expect(look(killed("s")) == .free)
        #expect(killed.names == ["s"])
    }

    @Test("a relay that serves it is told by its lock")
    func served() throws {
        let first = try SocketPath.bind(path: path, mode: 0o660, group: nil, backlog: 16)
        defer { close(first.descriptor) }
        #expect(look() == .served(pid: getpid()))
        #expect(look() == .served(pid: getpid()), "looking does not take the lock")
        first.release()
        #expect(look() == .free)
    }

    @Test("the words are those of bind, without the path")
    func refused() {
        let listener = listeningSocket(path)
        defer { close(listener) }
        #expect(
            look() == .refused("another program accepts connections there; stop it or choose another path"))
        directory.write("", to: "file")
        guard case .refused(let text) = look(directory("file")) else {
            Issue.record("a file is no place")
            return
        }
        #expect(text.hasPrefix("it is a regular file, not a socket; "))
        guard case .refused(let missing) = look(directory("missing/s")) else {
            Issue.record("a directory is missing")
            return
        }
        #expect(missing.hasPrefix("there is no directory \(directory.path)/missing; "))
    }

    @Test("what stays wrong, and what may be right a moment later")
    func lasting() {
        for code in [EACCES, EPERM, EROFS, ELOOP, ENAMETOOLONG, ENOTDIR] {
            #expect(SocketPathError.system(path: "p", operation: "bind", code: code).isLasting)
        }
        for code in [ENOSPC, EMFILE, ENOMEM, EIO] {
            #expect(!SocketPathError.system(path: "p", operation: "bind", code: code).isLasting)
        }
        #expect(!SocketPathError.locked(path: "p", pid: 1).isLasting)
        #expect(SocketPathError.live(path: "p").isLasting && SocketPathError.notAFileName(path: "p").isLasting)
        #expect(SocketPathError.noDirectory(path: "p", directory: "d").isLasting)
        #expect(SocketPathError.notASocket(path: "p", kind: "a file").isLasting)
        #expect(SocketPathError.badLockFile(path: "p", problem: .names(2)).isLasting)
        #expect(GroupError.unknown(name: "g").isLasting && !GroupError.lookup(name: "g", code: EIO).isLasting)
        #expect(!ListeningSocketError.inUse(address: "a").isLasting)
        #expect(ListeningSocketError.notAnAddress(host: "h").isLasting)
        #expect(ListeningSocketError.system(address: "a", operation: "bind", code: EACCES).isLasting)
        #expect(!ListeningSocketError.system(address: "a", operation: "bind", code: EADDRNOTAVAIL).isLasting)
    }

    @Test("whose rights were not enough is said where it is about rights, and only there")
    func rights() {
        let identity = ProcessIdentity.current()
        let denied = SocketPathError.system(path: "p", operation: "bind", code: EACCES)
        #expect(denied.reason(for: identity).hasSuffix("; \(identity), may not"))
        let full = SocketPathError.system(path: "p", operation: "bind", code: ENOSPC)
        #expect(!full.reason(for: identity).contains("may not"))
    }

    @Test("an address is tried without being listened on")
    func address() throws {
        let listener = try ListeningSocket.tcp(host: "127.0.0.1", port: 0)
        #expect(throws: ListeningSocketError.inUse(address: "127.0.0.1:\(listener.boundPort)")) {
            try ListeningSocket.tryAddress(host: "127.0.0.1", port: listener.boundPort)
        }
        close(listener.descriptor)
        for _ in 0..<2 {
            #expect(throws: Never.self) {
                try ListeningSocket.tryAddress(host: "127.0.0.1", port: listener.boundPort)
            }
        }
    }

    private func listeningSocket(_ path: String) -> Int32 {
        let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        precondition(bound == 0 && listen(number, 1) == 0)
        return number
    }
}

@Suite("Who this process is")
struct ProcessIdentityTests {
    @Test("the effective user and all groups, by name and number")
    func current() {
        let identity = ProcessIdentity.current()
        #expect(identity.user == geteuid() && identity.groups.first == getegid())
        #expect(Set(identity.groups).count == identity.groups.count)
        #expect(identity.description.contains("\(geteuid())") && identity.description.contains("group"))
        #expect(identity.mayGive(to: getegid()))
        if geteuid() == 0 {
            #expect(identity.description.hasPrefix("user root (0), group"))
        }
    }

    @Test("a file that can be read, or that is missing, is no matter of rights")
    func reading() {
        #expect(ProcessIdentity.current().lackOfReading("/proc/self/status").isEmpty)
        #expect(ProcessIdentity.current().lackOfReading("/no/such/file").isEmpty)
    }

    @Test("to sleep is to wait at least as long")
    func sleeping() {
        let start = Clock.monotonicNanoseconds()
        Clock.sleep(nanoseconds: 20_000_000)
        #expect(Clock.monotonicNanoseconds() - start >= 20_000_000)
    }
}
