import EventLoop
import Foundation
import Posix
import Testing

/// Records what a stream under test has reported.
private final class RecordingStream: EventLoop.Stream {
    var received: [UInt8] = []
    var ended = false
    var endError: LoopError?
    var sendFailure: LoopError?
    var backlogEvents = 0
    var isClosed = false
    var onEvent: (RecordingStream) -> Void = { _ in }
    var readsAllowed = Int.max
    var largestRead = Int.max
    var readCount = 0

    override func didRead(_ bytes: UnsafeRawBufferPointer) {
        received += bytes
        readCount += 1
        onEvent(self)
    }
    override func didEnd(_ error: LoopError?) {
        (ended, endError) = (true, error)
        stopReading()
        onEvent(self)
    }
    override func didSendBacklog() {
        backlogEvents += 1
        onEvent(self)
    }
    override func didFailToSend(_ error: LoopError) {
        sendFailure = error
        onEvent(self)
    }
    override func readLimit() -> Int {
        guard readCount < readsAllowed else {
            stopReading()
            return 0
        }
        return largestRead
    }
    override func didClose() { isClosed = true }
}

/// One thread writes the bytes, and another thread reads them once the first has finished.
private final class Box: @unchecked Sendable {
    var bytes: [UInt8] = []
}

/// A listening socket on a loop, the stream that accepts, and a plain blocking peer.
private final class Pair {
    let loop: Loop
    let peer: Int32
    let stream: RecordingStream
    private let path: SocketPath
    private let folder: URL

    init() throws {
        ignoreSIGPIPE()
        folder = URL(fileURLWithPath: "/tmp/hr-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let path = folder.path + "/s"
        let bound = try SocketPath.bind(path: path, mode: 0o600, group: nil, backlog: 8)
        let loop = try Loop()
        let stream = RecordingStream(loop: loop, kind: .unix)
        var listener: Listener?
        listener = try Listener(loop: loop, descriptor: bound.descriptor) { error in
            #expect(error == nil)
            do throws(LoopError) {
                try listener?.accept(into: stream)
                try stream.startReading()
            } catch { Issue.record("\(error)") }
            listener?.close()
            loop.stop()
        }
        peer = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let peer = self.peer
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(peer, $0, size) }
        }
        #expect(result == 0)
        loop.run()
        listener = nil
        (self.path, self.loop, self.stream) = (bound, loop, stream)
    }

    /// Writes to the stream as the relay does.
    func send(_ bytes: [UInt8]) {
        var bytes = bytes
        bytes.withUnsafeMutableBytes { stream.write($0) }
    }

    func finish() {
        stream.onEvent = { _ in }  // the old callback refers to this pair
        stream.close()
        loop.drain()
        #expect(stream.isClosed)
        path.release()
        close(peer)
        try? FileManager.default.removeItem(at: folder)
    }
}

struct StreamTests {
    @Test func `what the peer writes is read, and its shutdown is an end without an error`() throws {
        let pair = try Pair()
        pair.stream.onEvent = { if $0.ended { pair.loop.stop() } }
        #expect(write(pair.peer, [1, 2, 3] as [UInt8], 3) == 3)
        shutdown(pair.peer, Int32(SHUT_WR))
        pair.loop.run()
        #expect(pair.stream.received == [1, 2, 3])
        #expect(pair.stream.ended && pair.stream.endError == nil)
        #expect(!pair.stream.isHungUp)
        pair.finish()
    }

    @Test func `what the kernel does not take is kept, counted and sent in order`() throws {
        let pair = try Pair()
        let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
        for start in stride(from: 0, to: bytes.count, by: 300_000) {
            pair.send(Array(bytes[start..<min(start + 300_000, bytes.count)]))
        }
        let unsent = pair.stream.unsent
        #expect(unsent > 0 && unsent < bytes.count)
        pair.stream.onEvent = { if $0.unsent == 0 { pair.loop.stop() } }
        pair.stream.shutdownWriting()
        let peer = pair.peer
        let box = Box()
        let reader = Thread {
            var got: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 65536)
            while case let count = read(peer, &buffer, buffer.count), count > 0 { got += buffer[..<count] }
            box.bytes = got
        }
        reader.start()
        pair.loop.run()
        pair.stream.onEvent = { _ in }
        // The shutdown follows the last byte, one turn later.
        let settle = EventLoop.Timer(loop: pair.loop) { if reader.isFinished { pair.loop.stop() } }
        settle.start(after: 1_000_000, every: 1_000_000)
        pair.loop.run()
        settle.close()
        #expect(box.bytes == bytes)
        #expect(pair.stream.backlogEvents > 1)
        pair.finish()
    }

    @Test func `a peer that is gone fails the write, and what it had written is still read`() throws {
        let pair = try Pair()
        #expect(write(pair.peer, [9] as [UInt8], 1) == 1)
        shutdown(pair.peer, Int32(SHUT_RDWR))
        pair.send([1])
        #expect(pair.stream.isWriteBroken)
        #expect(pair.stream.sendFailure?.code == -EPIPE)
        pair.stream.onEvent = { if $0.ended { pair.loop.stop() } }
        pair.loop.run()
        #expect(pair.stream.received == [9])
        #expect(pair.stream.isHungUp)
        pair.finish()
    }

    @Test func `a stream that may not read leaves the bytes in the kernel until it may`() throws {
        let pair = try Pair()
        pair.stream.readsAllowed = 0
        #expect(write(pair.peer, [5] as [UInt8], 1) == 1)
        let pause = EventLoop.Timer(loop: pair.loop) { pair.loop.stop() }
        pause.start(after: 20_000_000)
        pair.loop.run()
        #expect(pair.stream.received.isEmpty)
        pair.stream.readsAllowed = .max
        try pair.stream.startReading()
        pair.stream.onEvent = { _ in pair.loop.stop() }
        pair.loop.run()
        #expect(pair.stream.received == [5])
        pause.close()
        pair.finish()
    }

    @Test func `a stream that has more is read once a turn`() throws {
        let pair = try Pair()
        pair.stream.largestRead = 1
        #expect(write(pair.peer, [1, 2, 3] as [UInt8], 3) == 3)
        var (turn, turnsOfReads) = (0, [Int]())
        pair.loop.onTurnEnd { turn += 1 }
        pair.stream.onEvent = { stream in
            turnsOfReads.append(turn)
            if stream.readCount == 3 { pair.loop.stop() }
        }
        pair.loop.run()
        #expect(pair.stream.received == [1, 2, 3])
        #expect(Set(turnsOfReads).count == 3, "others have their share in between")
        pair.finish()
    }

    @Test func `ranges are written in one go, however many there are`() throws {
        let pair = try Pair()
        var bytes = (0..<5000).map { UInt8(truncatingIfNeeded: $0) }
        bytes.withUnsafeMutableBytes { all in
            var ranges = (0..<2500).map { uvRange(all, $0 * 2, 2) }
            ranges.withUnsafeMutableBytes { pair.stream.write(ranges: $0.baseAddress!, count: 2500) }
        }
        #expect(pair.stream.unsent == 0)
        var got = [UInt8](repeating: 0, count: 5000)
        #expect(recv(pair.peer, &got, got.count, Int32(MSG_WAITALL)) == 5000)
        #expect(got == bytes)
        pair.finish()
    }

    private func uvRange(_ all: UnsafeMutableRawBufferPointer, _ start: Int, _ count: Int) -> iovec {
        iovec(iov_base: all.baseAddress! + start, iov_len: count)
    }

    @Test func `a path that is too long for a Unix socket is an error and not another path`() throws {
        let loop = try Loop()
        let stream = RecordingStream(loop: loop, kind: .unix)
        var failure: LoopError?
        stream.connect(toPath: "/tmp/" + String(repeating: "x", count: 120)) { failure = $0 }
        #expect(failure?.code == -ENAMETOOLONG)
        stream.close()
        loop.drain()
    }

    @Test func `connecting to a port where nobody listens says so`() throws {
        let loop = try Loop()
        let free = try ListeningSocket.tcp(host: "127.0.0.1", port: 0)
        close(free.descriptor)
        let stream = RecordingStream(loop: loop, kind: .tcp)
        let address = try #require(NetworkAddress(numericHost: "127.0.0.1", port: free.boundPort))
        var failure: LoopError?
        stream.connect(to: address) {
            failure = $0
            stream.close()
        }
        loop.run()
        #expect(failure?.code == -ECONNREFUSED)
        loop.drain()
    }
}
