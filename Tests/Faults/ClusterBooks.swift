import TestSupport

/// Keeps the books of several connections that publish on the same channels at one relay, and of several that are
/// subscribed to these channels there or at another relay: the outcome of each publish, which messages arrived at which
/// reader, and everything that arrived and should not.
///
/// A publish is named by its writer, its channel and its number there, which begins with 1. A writer's ids go round all
/// channels. For each writer and channel, every reader has to get all messages that were OK, in order and once. Every
/// hole has to have been reported: between the message before the hole and the message after it, `gaps` grew, or the
/// state was not UP.
///
/// Only a message that was INTERRUPTED may come late. A stopped master that continues reads what it had been sent, and
/// passes it on to the other nodes of its shard, one of which is the master by then.
struct ClusterBooks {
    let channels: [String]
    private(set) var writers: [Writer]
    private(set) var readers: [Reader]
    private(set) var faults: [String] = []
    /// Messages that came twice.
    private var repeats: [String] = []

    struct Writer {
        var sent = 0
        /// The outcomes by channel and number.
        var outcomes: [[Int: HubrelayOutcome]]
        /// The last number that was OK, by channel.
        var lastOK: [Int]
        var status = HubrelayStatus()
    }

    struct Reader {
        var status: HubrelayStatus
        /// All Statuses since the beginning.
        var statuses: [HubrelayStatus] = []
        /// How many Statuses explained a hole: `gaps` had grown, or the state was not UP.
        var alarms = 0
        var delivered = 0
        /// The streams by writer and channel.
        var streams: [[Stream]]
    }

    struct Stream {
        var last = 0
        var alarms = 0
        var wasUp = true
        /// The numbers that were missing: `unexplained` without a report, `explained` with one.
        var unexplained: [Int] = []
        var explained: Set<Int> = []
        /// The numbers of `explained` that have come after all.
        var late: [Int] = []
    }

    /// - Parameter readers: the status of each reader when it had subscribed to all channels.
    init(channels: [String], writers count: Int, readers statuses: [HubrelayStatus]) {
        self.channels = channels
        writers = Array(
            repeating: Writer(outcomes: channels.map { _ in [:] }, lastOK: channels.map { _ in 0 }), count: count)
        let streams = Array(repeating: channels.map { _ in Stream() }, count: count)
        readers = statuses.map { Reader(status: $0, streams: streams) }
    }

    // MARK: Writing

    /// The frames of one publish on each channel.
    mutating func round(of writer: Int) -> [UInt8] {
        let number = writers[writer].sent / channels.count + 1
        defer { writers[writer].sent += channels.count }
        return channels.enumerated().flatMap { index, channel in
            let id = UInt64((number - 1) * channels.count + index + 1)
            return HubrelayClientFrame.publish(channel, "\(writer) \(number)", id: id).bytes
        }
    }

    /// How many publishes have no Reply yet.
    func unanswered(of writer: Int) -> Int {
        writers[writer].sent - writers[writer].outcomes.reduce(0) { $0 + $1.count }
    }

    mutating func note(_ frame: HubrelayRelayFrame, atWriter writer: Int) {
        switch frame.frame {
        case .status(let status): writers[writer].status = status
        case .reply(let reply): note(reply, atWriter: writer)
        default: faults.append("writer \(writer): not expected: \(frame.summary)")
        }
    }

    private mutating func note(_ reply: HubrelayReply, atWriter writer: Int) {
        let (channel, number) = (Int(reply.id - 1) % channels.count, Int(reply.id - 1) / channels.count + 1)
        if writers[writer].outcomes[channel].updateValue(reply.outcome, forKey: number) != nil {
            faults.append("writer \(writer): \(number) on \(channels[channel]) is answered again")
        }
        // A refusal is reported at once. An OK comes in the order of writing, unless a former master, which was given
        // up, has answered late.
        if reply.outcome == .ok {
            let last = writers[writer].lastOK[channel]
            if number < last {
                faults.append("writer \(writer): \(number) on \(channels[channel]) is OK after \(last)")
            }
            writers[writer].lastOK[channel] = max(number, last)
        }
        if ![.ok, .notConnected, .interrupted].contains(reply.outcome) {
            faults.append("writer \(writer): \(number) on \(channels[channel]) is \(reply.summary)")
        }
    }

    // MARK: Reading

    mutating func note(_ frame: HubrelayRelayFrame, atReader reader: Int) {
        switch frame.frame {
        case .status(let status):
            if status.gaps > readers[reader].status.gaps || status.state != .up { readers[reader].alarms += 1 }
            if status.gaps < readers[reader].status.gaps { faults.append("reader \(reader): fewer gaps: \(status)") }
            readers[reader].status = status
            readers[reader].statuses.append(status)
        case .message(let message): note(message, atReader: reader)
        default: faults.append("reader \(reader): not expected: \(frame.summary)")
        }
    }

    private mutating func note(_ message: HubrelayMessage, atReader reader: Int) {
        let words = message.text.split(separator: " ").compactMap { Int($0) }
        guard words.count == 2, let channel = channels.firstIndex(of: message.channel) else {
            return faults.append("reader \(reader): not expected: \(message)")
        }
        let (writer, number, isUp) = (words[0], words[1], readers[reader].status.state == .up)
        var stream = readers[reader].streams[writer][channel]
        guard number > stream.last else {
            guard stream.explained.remove(number) != nil else {
                return repeats.append(
                    "reader \(reader): \(number) after \(stream.last) of \(writer) on \(message.channel)")
            }
            readers[reader].streams[writer][channel].explained.remove(number)
            return readers[reader].streams[writer][channel].late.append(number)
        }
        let isExplained = readers[reader].alarms > stream.alarms || !stream.wasUp || !isUp
        let missing = stream.last + 1..<number
        if isExplained { stream.explained.formUnion(missing) } else { stream.unexplained += missing }
        (stream.last, stream.alarms, stream.wasUp) = (number, readers[reader].alarms, isUp)
        readers[reader].streams[writer][channel] = stream
        readers[reader].delivered += 1
    }

    // MARK: The end

    /// Whether every reader has the last message that was published on each channel.
    var isComplete: Bool {
        readers.allSatisfy { reader in
            zip(reader.streams, writers).allSatisfy { streams, writer in
                streams.allSatisfy { $0.last == writer.sent / channels.count }
            }
        }
    }

    /// How many publishes had this outcome.
    func count(of outcome: HubrelayOutcome, on some: [String]? = nil) -> Int {
        writers.reduce(0) { sum, writer in
            zip(channels, writer.outcomes).reduce(sum) { sum, entry in
                let isMeant = some?.contains(entry.0) ?? true
                return isMeant ? sum + entry.1.values.count { $0 == outcome } : sum
            }
        }
    }

    /// Returns what is wrong, once all has been answered: `faults`, messages that were OK and are missing without a
    /// report, messages that came late or twice, and messages that came although their Reply was NOT_CONNECTED.
    /// - Parameter cutOff: the channels of a master that was cut off and came back; nil if there was no such master.
    ///   What this master took meanwhile for its replica was in its sockets. The rest of that comes when the network
    ///   works again, through the replica, which is the master by then: late, in part, or a second time. No relay can
    ///   detect that.
    func audit(cutOff: [String]? = nil) -> [String] {
        var found = faults + (cutOff == nil ? repeats : [])
        for (number, reader) in readers.enumerated() {
            for (writer, streams) in reader.streams.enumerated() {
                for (channel, stream) in streams.enumerated() {
                    let outcomes = writers[writer].outcomes[channel]
                    let missing = stream.explained.union(stream.unexplained)
                    let late = stream.late.filter { outcomes[$0] != .interrupted }
                    let lost = stream.unexplained.filter { outcomes[$0] == .ok }
                    let unsent = outcomes.filter { number, outcome in
                        outcome == .notConnected && number <= stream.last && !missing.contains(number)
                    }.keys.sorted()
                    let what = "of writer \(writer) on \(channels[channel]) at reader \(number)"
                    if !lost.isEmpty, cutOff?.contains(channels[channel]) != true {
                        found.append("lost without a word: \(lost) \(what)")
                    }
                    if !late.isEmpty, cutOff == nil { found.append("late, and not INTERRUPTED: \(late) \(what)") }
                    if !unsent.isEmpty { found.append("NOT_CONNECTED and delivered: \(unsent) \(what)") }
                }
            }
        }
        return found
    }
}

extension HubrelayReply {
    /// For messages of failed tests.
    fileprivate var summary: String { "\(outcome): \(detail)" }
}
