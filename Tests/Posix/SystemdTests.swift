import Glibc
import Posix
import Testing

@Suite("The service manager is told")
struct SystemdTests {
    let directory = TemporaryDirectory()

    @Test("a state arrives as one datagram at a path")
    func path() throws {
        let manager = RawSocket.listening(at: directory("notify"), SOCK_DGRAM)
        #expect(try sdNotify("READY=1\nSTATUS=serving", socket: directory("notify")))
        #expect(manager.receive() == "READY=1\nSTATUS=serving")
    }

    @Test("and at an abstract name")
    func abstractName() throws {
        let name = "hubrelay-test-\(SystemRandom.hexID())"
        let manager = RawSocket(SOCK_DGRAM)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { path in
            for (index, byte) in name.utf8.enumerated() { path[index + 1] = byte }
        }
        let length = socklen_t(2 + 1 + name.utf8.count)
        let result = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(manager.number, $0, length) }
        }
        #expect(result == 0)
        #expect(try sdNotify("STOPPING=1", socket: "@" + name))
        #expect(manager.receive() == "STOPPING=1")
    }

    @Test("nobody asked: nothing is sent, and it is no error")
    func nobody() throws {
        #expect(try !sdNotify("READY=1", socket: nil))
        #expect(try !sdNotify("READY=1", socket: ""))
    }

    @Test("a manager that is gone, or unreachable, is an error")
    func gone() {
        let absent = #expect(throws: SystemError.self) { try sdNotify("READY=1", socket: directory("none")) }
        #expect(absent?.code == ENOENT)
        let virtual = #expect(throws: SystemError.self) { try sdNotify("READY=1", socket: "vsock:2:1234") }
        #expect(virtual?.code == EAFNOSUPPORT)
    }

    @Test("a full queue does not block")
    func fullQueue() {
        let manager = RawSocket.listening(at: directory("notify"), SOCK_DGRAM)
        // The receiver's buffer limits the queue at the latest.
        let error = #expect(throws: SystemError.self) {
            for _ in 0..<100_000 { try sdNotify("WATCHDOG=1", socket: directory("notify")) }
        }
        #expect(error?.code == EAGAIN)
        _ = manager
    }

    @Test("output is the journal's where device and inode are those that systemd names, and nowhere else")
    func journal() {
        let (one, other) = RawSocket.pair()
        var status = stat()
        #expect(fstat(one.number, &status) == 0)
        let stream = "\(status.st_dev):\(status.st_ino)"
        #expect(isJournal(one.number, stream: stream))
        #expect(!isJournal(other.number, stream: stream))
        #expect(!isJournal(one.number, stream: nil))
        #expect(!isJournal(-1, stream: stream))
        for text in ["", ":", "\(status.st_dev)", "\(stream)0", " \(stream)"] {
            #expect(!isJournal(one.number, stream: text))
        }
    }

    @Test("the watchdog's interval, if it is meant for this process")
    func watchdog() {
        func interval(_ variables: [String: String]) -> UInt64? { watchdogMicroseconds { variables[$0] } }
        #expect(interval(["WATCHDOG_USEC": "3000000"]) == 3_000_000)
        #expect(interval(["WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "\(getpid())"]) == 3_000_000)
        #expect(interval(["WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"]) == nil)
        #expect(interval(["WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "x"]) == nil)
        #expect(interval(["WATCHDOG_USEC": "0"]) == nil)
        #expect(interval(["WATCHDOG_USEC": "soon"]) == nil)
        #expect(interval([:]) == nil)
    }
}
