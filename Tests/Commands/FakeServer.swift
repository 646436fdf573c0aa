internal import Glibc
internal import SwiftProtobuf
internal import Synchronization
internal import TestSupport

/// A server of the test's own. It accepts one connection and runs a script with it. It is for everything that a real
/// relay does rarely or never.
final class FakeServer: Sendable {
    let path: String
    private let directory: TemporaryDirectory
    private let script: Mutex<ScriptThread?>

    /// Listens at once. The script runs on a thread of its own when a client connects.
    init(_ script: @escaping @Sendable (FakePeer) throws -> Void) throws {
        directory = try TemporaryDirectory()
        path = directory.path(of: "fake.sock")
        let listener = try FakeServer.listen(at: path)
        let thread = ScriptThread {
            defer { close(listener) }
            guard FakePeer.wait(for: listener, POLLIN) else { throw TestFailure("nobody has connected") }
            try script(FakePeer(accept(listener, nil, nil)))
        }
        self.script = Mutex(thread)
    }

    deinit { try? finish() }

    /// Waits for the end of the script. It always ends, because everything that it waits for has a deadline.
    /// - Throws: the error that the script threw.
    func finish() throws {
        let thread = script.withLock { script in
            defer { script = nil }
            return script
        }
        try thread?.join()
    }

    private static func listen(at path: String) throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard bound == 0, Glibc.listen(descriptor, 1) == 0 else { throw TestFailure("bind: \(errnoText())") }
        return descriptor
    }
}

/// The client of a fake server, as the server sees it.
final class FakePeer {
    private let descriptor: Int32

    fileprivate init(_ descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// The next frame, decoded by the generated code.
    /// - Throws: `TestFailure` when none comes.
    func next() throws -> HubrelayClientFrame {
        let header = try read(exactly: 4)
        let length = header.reduce(0) { $0 << 8 | Int($1) }
        return try HubrelayClientFrame(serializedBytes: try read(exactly: length))
    }

    /// Takes Hello and answers with a Welcome.
    @discardableResult
    func welcome(_ change: (inout HubrelayWelcome) -> Void = { _ in }) throws -> HubrelayHello {
        let first = try next()
        guard case .hello(let hello) = first.frame else { throw TestFailure("no Hello but \(first)") }
        var welcome = HubrelayWelcome()
        welcome.version = 1
        welcome.relayVersion = "0.1.0"
        welcome.relayID = "fake"
        welcome.maxFrameBytes = 8192
        welcome.maxPayloadBytes = 4096
        welcome.status.state = .up
        welcome.status.publishing = true
        welcome.status.receiving = true
        change(&welcome)
        try send(.with { $0.welcome = welcome })
        return hello
    }

    func send(_ frames: HubrelayRelayFrame...) throws {
        try send(bytes: frames.flatMap { framed(try $0.serializedBytes()) })
    }

    /// Answers a request.
    func reply(_ id: UInt64, _ outcome: HubrelayOutcome) throws {
        try send(.with { $0.reply = .with { ($0.id, $0.outcome) = (id, outcome) } })
    }

    func send(bytes: [UInt8]) throws {
        guard Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            throw TestFailure("send: \(errnoText())")
        }
    }

    /// Reads up to and including `end`, and returns all of it.
    func read(until end: String) throws -> String {
        var bytes: [UInt8] = []
        while !bytes.suffix(end.utf8.count).elementsEqual(end.utf8) { bytes += try read(exactly: 1) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Waits for some seconds in which the client must send nothing.
    /// - Throws: `TestFailure` when the client sends something or closes.
    func stayQuiet(seconds: Double) throws {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, Int32(seconds * 1000)) == 0 else {
            throw TestFailure("the client was not quiet")
        }
    }

    /// Waits until the client has closed.
    func expectEnd() throws {
        var byte: UInt8 = 0
        guard FakePeer.wait(for: descriptor, POLLIN), recv(descriptor, &byte, 1, 0) <= 0 else {
            throw TestFailure("the client is still there")
        }
    }

    private func read(exactly count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var got = 0
        while got < count {
            guard FakePeer.wait(for: descriptor, POLLIN) else {
                throw TestFailure("nothing more from the client")
            }
            let more = bytes.withUnsafeMutableBytes {
                recv(descriptor, $0.baseAddress! + got, count - got, 0)
            }
            guard more > 0 else { throw TestFailure("the client has gone after \(got) of \(count) bytes") }
            got += more
        }
        return bytes
    }

    fileprivate static func wait(for descriptor: Int32, _ events: Int32) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        return poll(&entry, 1, Int32(TestDeadline.patience * 1000)) > 0
    }
}

/// A thread for one script. It does not come from a pool: the pool has few threads, and most scripts wait most of the
/// time.
private final class ScriptThread: Sendable {
    private let thread: pthread_t
    private let outcome: Outcome

    private final class Outcome: Sendable {
        let body: @Sendable () throws -> Void
        let result = Mutex<Result<Void, any Error>>(.success(()))

        init(_ body: @escaping @Sendable () throws -> Void) { self.body = body }
    }

    init(_ body: @escaping @Sendable () throws -> Void) {
        outcome = Outcome(body)
        var thread = pthread_t()
        let created = pthread_create(
            &thread, nil,
            { argument in
                let outcome = Unmanaged<Outcome>.fromOpaque(argument!).takeRetainedValue()
                let result = Result { try outcome.body() }
                outcome.result.withLock { $0 = result }
                return nil
            }, Unmanaged.passRetained(outcome).toOpaque())
        precondition(created == 0, "no thread")
        self.thread = thread
    }

    func join() throws {
        pthread_join(thread, nil)
        try outcome.result.withLock { try $0.get() }
    }
}
