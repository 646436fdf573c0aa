internal import ArgumentParser
internal import Configuration
internal import Posix
internal import RelayCore

/// `hubrelay subscribe`: prints the messages of some channels, and the state of the relay, as they come.
struct SubscribeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "subscribe", abstract: "Print the messages of channels or patterns as they arrive.",
        discussion:
            "Also prints changes of the relay's state and lost messages. Ends with Ctrl-C, after --count "
            + "messages, or with exit code 1 when the relay closes the connection.")

    @Flag(help: "The names are patterns, in the glob syntax of Redis.") var pattern = false
    @Option(
        name: .of(.count),
        help: ArgumentHelp(
            "\(Setting.count.purpose) Allowed: \(Setting.count.allowed).",
            valueName: Setting.count.placeholder))
    var count: String?
    @Argument(help: "Channels, or patterns with --pattern, without the relay's prefix.") var names: [String]
    @OptionGroup var options: ClientOptions

    func run() throws {
        runReportingFailures { () throws(CommandFailure) in
            let settings = try options.settings(count: count)
            endQuietlyOnInterrupt()
            var client = try RelayClient.connect(
                path: settings.socketPath, name: "hubrelay subscribe", timeout: settings.timeout)
            let printer = EventPrinter(asJSON: options.json)
            try printer.print(.status(client.welcome.status))
            var subscriptions = Subscriptions(
                names: names, maxFrameBytes: Int(client.welcome.maxFrameBytes))
            for (id, group) in subscriptions.unanswered.sorted(by: { $0.key < $1.key }) {
                try client.send(RequestFrames.subscribe(names: group, arePatterns: pattern, id: id))
            }
            try printEvents(&client, &subscriptions, printer, upTo: settings.count ?? .max)
        }
    }

    private func printEvents(
        _ client: inout RelayClient, _ subscriptions: inout Subscriptions, _ printer: EventPrinter,
        upTo count: Int
    ) throws(CommandFailure) {
        let deadline = client.deadline()
        var left = count
        while left > 0 {
            let frame =
                subscriptions.unanswered.isEmpty
                ? try nextWhileSomebodyReads(from: &client)
                : try client.next(before: deadline, unanswered: "the subscription is not confirmed")
            switch frame {
            case .reply(let reply):
                guard let names = subscriptions.unanswered.removeValue(forKey: reply.id) else { continue }
                try printer.print(reply, toSubscribe: names)
                guard reply.isSubscribed else { throw .reported() }
            case .error(let code, let detail):
                throw RelayClient.turnedAway(code: code, detail: detail)
            case .message:
                try printer.print(frame)
                left -= 1
            case .status(let status) where status.state == UInt64(State.stopping.rawValue):
                try printer.print(frame)
                throw .failed("the relay is shutting down")
            default: try printer.print(frame)
            }
        }
    }

    /// Waits for the next frame without a limit. Checks twice a second whether stdout still has a reader: on a quiet
    /// channel, `hubrelay subscribe ... | head -1` writes nothing, and so would not notice.
    private func nextWhileSomebodyReads(from client: inout RelayClient) throws(CommandFailure)
        -> ReceivedFrame
    {
        while true {
            if let frame = try client.nextIfAny(before: Clock.monotonicNanoseconds() + 500_000_000) {
                return frame
            }
            if StandardStreams.outputHasNoReader { throw .outputClosed }
        }
    }
}

/// The Subscribe requests that have no Reply yet: their names, by id.
struct Subscriptions {
    var unanswered: [UInt64: [String]] = [:]

    /// Names that do not fit one frame go in several.
    init(names: [String], maxFrameBytes: Int) {
        for (index, group) in RequestFrames.groups(of: names, maxFrameBytes: maxFrameBytes).enumerated() {
            unanswered[UInt64(index) + 1] = group
        }
    }
}

extension ReceivedFrame.Reply {
    /// Whether the relay holds the names from now on, even if no messages can come yet.
    fileprivate var isSubscribed: Bool {
        outcome == UInt64(Outcome.ok.rawValue) || outcome == UInt64(Outcome.pending.rawValue)
    }
}
