internal import ArgumentParser
internal import Configuration
internal import Posix
internal import RelayCore

/// `hubrelay publish`: publishes one message, and prints the outcome.
struct PublishCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish", abstract: "Publish one message through a relay.",
        discussion: "Prints the outcome. Exit code 0 only for OK.")

    @Argument(help: "The channel, without the relay's prefix.") var channel: String
    @Argument(help: "The payload. If it is - or missing, it is read from stdin.") var payload: String?
    @OptionGroup var options: ClientOptions

    func run() throws {
        runReportingFailures { () throws(CommandFailure) in
            let settings = try options.settings()
            if payload == nil, StandardStreams.inputIsTerminal {
                throw .usage("no payload: give one after the channel, or - to read it from stdin")
            }
            var client = try RelayClient.connect(
                path: settings.socketPath, name: "hubrelay publish", timeout: settings.timeout)
            let bytes = try payloadBytes(atMost: Int(client.welcome.maxPayloadBytes))
            try client.send(RequestFrames.publish(channel: channel, payload: bytes, id: 1))
            try report(try reply(from: &client))
        }
    }

    /// The payload. A larger one is refused here: the relay would answer INVALID, or an Error if no frame can hold the
    /// payload.
    private func payloadBytes(atMost limit: Int) throws(CommandFailure) -> [UInt8] {
        let bytes: [UInt8]
        if let payload, payload != "-" {
            bytes = Array(payload.utf8)
        } else {
            bytes = try StandardStreams.readInput(atMost: limit + 1)
        }
        guard bytes.count <= limit else {
            throw .failed(
                "the payload is longer than the \(limit) bytes that this relay takes (--max-payload of serve)"
            )
        }
        return bytes
    }

    private func reply(from client: inout RelayClient) throws(CommandFailure) -> ReceivedFrame.Reply {
        let deadline = client.deadline()
        while true {
            switch try client.next(
                before: deadline, unanswered: "it is unknown whether the message was delivered")
            {
            case .reply(let reply) where reply.id == 1: return reply
            case .error(let code, let detail): throw RelayClient.turnedAway(code: code, detail: detail)
            default: continue
            }
        }
    }

    private func report(_ reply: ReceivedFrame.Reply) throws(CommandFailure) {
        try EventPrinter(asJSON: options.json).print(.reply(reply))
        guard reply.outcome == UInt64(Outcome.ok.rawValue) else { throw .reported() }
    }
}
