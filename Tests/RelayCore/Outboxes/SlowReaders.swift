import FoundationEssentials
import SwiftProtobuf
import TestSupport
import Testing

@testable import RelayCore

/// Outboxes with a simulated kernel for each connection, which takes only a limited number of bytes, and with a reader
/// that checks that everything sent has either come, or is counted in a Loss at its place.
final class SlowReaders {
    private struct Reader {
        /// Bytes that the kernel still takes.
        var room = Int.max
        var backlog: [UInt8] = []
        var received: [UInt8] = []
        /// What was sent, in order: Messages, which may be lost, and for which cause; and frames that must not be lost.
        var sent: [Sent] = []
        /// How many of `sent` the reader has accounted for.
        var accounted = 0

        /// Lets the kernel have as much of `bytes` as it takes.
        /// - Returns: the rest.
        mutating func take(_ bytes: [UInt8]) -> [UInt8] {
            let count = min(bytes.count, room)
            received += bytes.prefix(count)
            if room != .max { room -= count }
            return Array(bytes.dropFirst(count))
        }
    }
    private enum Sent: Equatable {
        case message
        case misfit(Cause)
        case control
    }

    let outboxes: Outboxes
    let counters = Counters()
    private var readers: [Reader] = []
    /// How many pieces of memory the last write of each connection had.
    private(set) var ranges: [Int] = []
    /// Loss frames in the order in which connections got them.
    private(set) var losses: [(number: Int, messages: UInt64, cause: HubrelayCause)] = []

    init(_ count: Int = 1, window: Int = 1000, maxBuffered: Int = 1 << 30, hardBound: Int = 1 << 30) {
        outboxes = Outboxes(
            capacity: count, bounds: .init(window: window, maxBuffered: maxBuffered, hardBound: hardBound),
            counters: counters)
        for number in 0..<count {
            outboxes.open(ConnectionID(index: number))
            readers.append(Reader())
            ranges.append(0)
        }
        outboxes.send = { [unowned self] in send($1, to: $0.index) }
    }

    deinit { for number in readers.indices { outboxes.close(ConnectionID(index: number)) } }

    // MARK: Sending

    /// Sends connections a Message with a payload of `size` bytes, at least 8.
    /// - Returns: the number of connections to which it was added.
    @discardableResult
    func message(_ size: Int = 8, to numbers: [Int] = [0]) -> UInt64 {
        let payload = [UInt8](repeating: 120, count: size)
        let frame = lending("c") { channel in
            lending(payload) { outboxes.arena.message(channel: channel, payload: $0, pattern: nil) }
        }
        for number in numbers { readers[number].sent.append(.message) }
        let members = numbers.map { ChannelTable.Member(connection: .init(index: $0), position: 0) }
        return members.withUnsafeBufferPointer {
            outboxes.appendMessage(frame, to: $0.baseAddress.unsafelyUnwrapped, count: $0.count)
        }
    }

    /// The size of a frame that `message` makes, in bytes.
    static func frameSize(_ payload: Int) -> Int {
        4 + WireWriter.size(ofBytes: 3 + WireWriter.size(ofBytes: payload))
    }

    func misfit(_ cause: Cause, to number: Int = 0) {
        readers[number].sent.append(.misfit(cause))
        outboxes.addLoss(1, cause: cause, to: ConnectionID(index: number))
    }

    func control(to number: Int = 0, detail: Int = 0) {
        readers[number].sent.append(.control)
        let id = UInt64(readers[number].sent.count)
        let text = String(repeating: "d", count: detail)
        outboxes.appendControl(
            outboxes.arena.reply(id: id, outcome: .invalid, detail: text), to: ConnectionID(index: number))
    }

    // MARK: The kernel

    /// How many more bytes the kernel takes from a connection.
    func setRoom(_ room: Int, of number: Int = 0) {
        readers[number].room = room
        guard !readers[number].backlog.isEmpty else { return }
        let backlog = readers[number].backlog
        readers[number].backlog = readers[number].take(backlog)
        outboxes.setBacklog(readers[number].backlog.count, of: ConnectionID(index: number))
    }

    func backlog(of number: Int = 0) -> Int { readers[number].backlog.count }
    var totalBacklog: Int { readers.reduce(0) { $0 + $1.backlog.count } }

    /// The end of a turn.
    func turn() {
        outboxes.writeAll()
        outboxes.arena.reset()
    }

    private func send(_ pieces: UnsafeMutableBufferPointer<OutputRange>, to number: Int) -> Int {
        ranges[number] = pieces.count
        var bytes = pieces.flatMap { UnsafeBufferPointer(start: $0.base, count: $0.count) }
        if readers[number].backlog.isEmpty { bytes = readers[number].take(bytes) }
        readers[number].backlog += bytes
        return readers[number].backlog.count
    }

    // MARK: The reader

    /// Reads what has come, and checks that each frame is the next one after what a Loss accounts for.
    /// - Returns: the kinds of frames read: "message", "reply", "loss 3 slow".
    @discardableResult
    func read(_ number: Int = 0) -> [String] {
        let (bodies, rest) = splitFrames(readers[number].received)
        readers[number].received = rest
        return bodies.map { body in
            let frame = try! HubrelayRelayFrame(serializedBytes: body)
            switch frame.frame {
            case .message:
                account(for: .message, number)
                return "message"
            case .reply(let reply):
                #expect(reply.id == readers[number].accounted + 1)
                account(for: .control, number)
                return "reply"
            case .loss(let loss):
                losses.append((number, loss.messages, loss.cause))
                for _ in 0..<loss.messages { accountForLost(loss.cause, number) }
                return "loss \(loss.messages) \(loss.cause)"
            default: return "another"
            }
        }
    }

    private func account(for sent: Sent, _ number: Int) {
        let place = readers[number].accounted
        #expect(place < readers[number].sent.count && readers[number].sent[place] == sent, "frame \(place)")
        readers[number].accounted += 1
    }

    private func accountForLost(_ cause: HubrelayCause, _ number: Int) {
        let place = readers[number].accounted
        guard place < readers[number].sent.count else {
            Issue.record("more is lost than was sent")
            return
        }
        switch readers[number].sent[place] {
        case .control: Issue.record("a frame that is never dropped was dropped")
        case .message: #expect(cause == .slowReader)
        case .misfit(let expected): #expect(cause.rawValue == Int(expected.rawValue))
        }
        readers[number].accounted += 1
    }

    /// Whether everything sent has been read or counted.
    func isBalanced(_ number: Int = 0) -> Bool { readers[number].accounted == readers[number].sent.count }
}
