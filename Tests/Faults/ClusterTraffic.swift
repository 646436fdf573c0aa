import Glibc
import Synchronization
import TestSupport

/// A steady load on the channels of a cluster, on a thread of its own, while a test breaks things.
final class ClusterTraffic: Sendable {
    private struct State {
        var books = ClusterBooks(channels: [], writers: 0, readers: [])
        var hasBegun = false
        var isEnding = false
        var isLastRoundSent = false
    }

    /// The state that the test and the thread share.
    private final class Desk: Sendable {
        let state = Mutex(State())
    }

    private let desk: Desk
    private let background: Background

    /// Begins when every reader has subscribed, and returns when messages arrive.
    /// - Parameters:
    ///   - writing: the relay of the writers.
    ///   - reading: the relays of the readers, one reader each.
    init(on channels: [String], from writing: RelayProcess, to reading: [RelayProcess]) throws {
        let desk = Desk()
        self.desk = desk
        background = try Background {
            let writers = try (0..<3).map { _ in try writing.client() }
            let readers = try reading.map { try $0.client() }
            for reader in readers {
                let outcome = try reader.request(.subscribe(channels, id: 1), id: 1).outcome
                guard outcome == .ok else { throw TestFailure("a reader cannot subscribe: \(outcome)") }
            }
            desk.state.withLock { state in
                state.books = ClusterBooks(channels: channels, writers: 3, readers: readers.map(\.status))
                state.hasBegun = true
            }
            return { try Self.step(writers, readers, desk) }
        }
        try wait("the load") { _ in true }
        try awaitMore()
    }

    deinit { try? background.stop() }

    private static func step(_ writers: [TestConnection], _ readers: [TestConnection], _ desk: Desk) throws {
        let rounds = desk.state.withLock { state in
            // At the end there is one more round, after everything before it has been answered, so that nothing comes
            // after it.
            if state.isEnding {
                guard !state.isLastRoundSent, writers.indices.allSatisfy({ state.books.unanswered(of: $0) == 0 }) else {
                    return writers.map { _ in [UInt8]() }
                }
                state.isLastRoundSent = true
            }
            return writers.indices.map { state.books.unanswered(of: $0) < 300 ? state.books.round(of: $0) : [] }
        }
        for (writer, round) in zip(writers, rounds) where !round.isEmpty { try writer.send(raw: round) }
        for (number, writer) in writers.enumerated() {
            for frame in try whatIsThere(writer) {
                desk.state.withLock { $0.books.note(frame, atWriter: number) }
            }
        }
        for (number, reader) in readers.enumerated() {
            for frame in try whatIsThere(reader) {
                desk.state.withLock { $0.books.note(frame, atReader: number) }
            }
        }
        usleep(20_000)
    }

    private static func whatIsThere(_ connection: TestConnection) throws -> [HubrelayRelayFrame] {
        var frames: [HubrelayRelayFrame] = []
        while let frame = try connection.nextIfAny(within: 0) { frames.append(frame) }
        return frames
    }

    /// Waits until the books fulfil a condition.
    func wait(
        _ what: String, within seconds: Double = TestDeadline.patience, line: UInt = #line, isEnd: Bool = false,
        _ condition: (ClusterBooks) throws -> Bool
    ) throws {
        do {
            try eventually(what, within: seconds, line: line) {
                // If the thread has failed, this throws its error.
                _ = try background.steps()
                return try desk.state.withLock { state in
                    guard isEnd ? state.isLastRoundSent : state.hasBegun else { return false }
                    return try condition(state.books)
                }
            }
        } catch {
            let told = desk.state.withLock { state in state.books.readers.map { "\($0.statuses.map(\.brief))" } }
            throw TestFailure("\(error)\ntold to the readers: \(told)")
        }
    }

    /// The gaps that have been reported to each reader so far.
    var gaps: [UInt64] { desk.state.withLock { $0.books.readers.map(\.status.gaps) } }

    /// Waits until every reader has this many messages more.
    func awaitMore(_ count: Int = 200, line: UInt = #line) throws {
        let before = desk.state.withLock { $0.books.readers.map(\.delivered) }
        try wait("messages flow", line: line) { books in
            zip(books.readers, before + [0, 0, 0]).allSatisfy { $0.delivered >= $1 + count }
        }
    }

    /// Waits until all readers are UP, and until the reader in question has had at least this many outages and gaps.
    /// - Parameter reader: the number of that reader; nil means all readers.
    func awaitUp(reader: Int? = nil, outages: UInt64 = 0, gaps: UInt64 = 0, line: UInt = #line) throws {
        try wait("UP after \(outages) outages and \(gaps) gaps", within: 30, line: line) { books in
            zip(books.readers.map(\.status), 0...).allSatisfy { status, number in
                let isMeant = reader == nil || reader == number
                return status.state == .up && (!isMeant || status.outages >= outages && status.gaps >= gaps)
            }
        }
    }

    /// Sends a last message on each channel, which has to arrive at all readers, and ends.
    /// - Throws: `TestFailure` with what the books say, when not everything is answered, or a last message has not
    ///   arrived.
    func finish(line: UInt = #line) throws -> ClusterBooks {
        desk.state.withLock { $0.isEnding = true }
        do {
            try wait("the last message everywhere", line: line, isEnd: true) { $0.isComplete }
        } catch { throw TestFailure("\(error)\nthe books: \(desk.state.withLock { $0.books.audit() })") }
        try background.stop()
        return desk.state.withLock { $0.books }
    }
}

extension HubrelayStatus {
    /// For messages of failed tests.
    fileprivate var brief: String { "\(state) \(cause) \"\(reason)\" outages \(outages) gaps \(gaps)" }
}
