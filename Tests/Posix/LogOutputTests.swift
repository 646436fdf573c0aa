import Glibc
import Testing

@testable import Posix

@Suite("A log that nobody reads holds nobody up")
struct LogOutputTests {
    /// The two ends of a pipe or of a connection. They are closed with the value.
    private struct Ends: ~Copyable {
        let reader: Int32
        let writer: Int32

        init(_ make: (inout [Int32]) -> Int32) {
            var ends: [Int32] = [-1, -1]
            precondition(make(&ends) == 0)
            (reader, writer) = (ends[0], ends[1])
            _ = fcntl(reader, F_SETFL, O_NONBLOCK)
        }

        static func pipe() -> Ends { Ends { Glibc.pipe(&$0) } }
        static func sockets() -> Ends { Ends { socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &$0) } }

        deinit {
            close(reader)
            close(writer)
        }

        /// Everything that can be read now.
        func read() -> String {
            var bytes: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 65536)
            while case let count = Glibc.read(reader, &chunk, chunk.count), count > 0 { bytes += chunk[..<count] }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    /// Writes more lines than there is room for, then reads, and writes one more.
    private func fill(_ ends: borrowing Ends, _ output: LogOutput) {
        output.notice = { "\($0) dropped" }
        let line = String(repeating: "x", count: 999)
        for number in 0..<1000 { output.write("\(1000 + number) \(line)") }
        let dropped = output.dropped
        #expect(dropped > 0)
        var read = ends.read()
        output.write("later")
        read += ends.read()
        let lines = read.split(separator: "\n").map(String.init)
        #expect(lines.last == "later")
        let written = lines.filter { $0.hasSuffix(" " + line) && $0.utf8.count == 1004 }
        #expect(written.count + Int(dropped) == 1000)
        // Some of the count may have been reported earlier: a short line may fit where a long line does not.
        let counts = lines.compactMap { Int($0.replacing(" dropped", with: "")) }
        #expect(counts.reduce(0, +) == Int(dropped))
        #expect(lines.count == written.count + counts.count + 1, "all lines are whole")
        #expect(output.dropped == dropped)
    }

    @Test(arguments: [true, false]) func aFullPipe(isOpenedAnew: Bool) {
        let ends = Ends.pipe()
        let output = LogOutput(descriptor: ends.writer, isOpenedAnew: isOpenedAnew)
        fill(ends, output)
        #expect(fcntl(ends.writer, F_GETFL) & O_NONBLOCK == 0, "it is shared with others, who did not ask for that")
    }

    @Test func aFullSocket() {
        let ends = Ends.sockets()
        fill(ends, LogOutput(descriptor: ends.writer))
        #expect(fcntl(ends.writer, F_GETFL) & O_NONBLOCK == 0)
    }

    /// The other end of the terminal is stopped, as by ^S.
    @Test func aStoppedTerminal() throws {
        let terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY)
        try #require(terminal >= 0)
        defer { close(terminal) }
        var (isLocked, number) = (Int32(0), Int32(-1))
        // TIOCSPTLCK unlocks the other end, and TIOCGPTN returns its number.
        #expect(ioctl(terminal, 0x4004_5431, &isLocked) == 0)
        #expect(ioctl(terminal, 0x8004_5430, &number) == 0)
        let line = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
        try #require(line >= 0)
        defer { close(line) }
        let output = LogOutput(descriptor: line)
        tcflow(line, TCOOFF)
        for number in 0..<100 { output.write("line \(number) \(String(repeating: "x", count: 500))") }
        #expect(output.dropped > 0)
        tcflow(line, TCOON)
        #expect(fcntl(line, F_GETFL) & O_NONBLOCK == 0)
    }

    /// Even if nothing else is logged for hours, the log reports that lines are missing.
    @Test func theCountIsToldWithoutAnotherLine() {
        let ends = Ends.pipe()
        let output = LogOutput(descriptor: ends.writer)
        output.notice = { "\($0) dropped" }
        // Fills the pipe, so that it has no room for a byte.
        let filler = [UInt8](repeating: 0x0a, count: 4096)
        _ = fcntl(ends.writer, F_SETFL, O_NONBLOCK)
        for size in [4096, 1] { while write(ends.writer, filler, size) > 0 {} }
        output.write("one")
        output.write("another")
        output.retry()
        #expect(output.dropped == 2)
        _ = ends.read()
        output.retry()
        #expect(ends.read() == "2 dropped\n")
        output.retry()
        #expect(ends.read() == "", "once")
    }

    /// A stream may take a part of a line. Then the rest is written before anything else.
    @Test func whatWasBegunIsEndedFirst() {
        let ends = Ends.sockets()
        let output = LogOutput(descriptor: ends.writer)
        let long = String(repeating: "y", count: 1 << 20)
        output.write(long)
        output.write("no room")
        #expect(output.dropped == 1)
        var read = ""
        while case let part = ends.read(), !part.isEmpty {
            read += part
            output.retry()
        }
        #expect(read == long + "\n1 log lines were dropped\n")
    }

    @Test func aReaderThatIsGoneIsCounted() {
        signal(SIGPIPE, SIG_IGN)
        let ends = Ends.pipe()
        let other = dup(ends.writer)
        let output = LogOutput(descriptor: other)
        close(other)
        var ends2: [Int32] = [-1, -1]
        #expect(pipe(&ends2) == 0)
        let broken = LogOutput(descriptor: ends2[1])
        close(ends2[0])
        broken.write("a")
        broken.write("b")
        #expect(broken.dropped == 2)
        close(ends2[1])
        output.write("c")
        #expect(ends.read() == "c\n", "a pipe was opened anew")
    }
}
