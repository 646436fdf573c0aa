import SwiftProtobuf
import TestSupport

@testable import RelayCore

extension App {
    /// What has come since the last call, one line for each frame: "1 ok", "1 refused [a]", "a: hi", "a by p*: hi",
    /// "status up", "revoked channel a", "loss of 2 publishes, notConnected", "error malformed".
    func takeLines() -> [String] { takeFrames().map(Self.line) }

    /// Like `takeLines`, without Status frames.
    func takeAnswers() -> [String] { takeLines().filter { !$0.hasPrefix("status") } }

    private static func line(_ frame: HubrelayRelayFrame) -> String {
        switch frame.frame {
        case .welcome(let welcome): "welcome \(welcome.version)"
        case .message(let message): line(message)
        case .reply(let reply): line(reply)
        case .status(let status): "status \(status.state)"
        case .loss(let loss): line(loss)
        case .error(let error): "error \(error.code)"
        case .revoked(let revoked):
            (revoked.channels.map { "revoked channel \($0)" } + revoked.patterns.map { "revoked pattern \($0)" })
                .joined(separator: ", ")
        case nil: "nothing"
        }
    }

    private static func line(_ message: HubrelayMessage) -> String {
        let by = message.pattern.isEmpty ? "" : " by \(message.pattern)"
        return "\(message.channel)\(by): \(message.text)"
    }

    private static func line(_ reply: HubrelayReply) -> String {
        let receivers = reply.receivers > 0 ? " by \(reply.receivers)" : ""
        let names = reply.refusedNames.isEmpty ? "" : " [\(reply.refusedNames.joined(separator: ", "))]"
        return "\(reply.id) \(reply.outcome)\(receivers)\(names)"
    }

    private static func line(_ loss: HubrelayLoss) -> String {
        let parts = [(loss.publishes, "publishes"), (loss.publishesUnknown, "unknown"), (loss.messages, "messages")]
        let counts = parts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: " ")
        return "loss of \(counts), \(loss.cause)"
    }
}

extension HubRig {
    /// Any client of Redis publishes to a channel, given without the prefix.
    @discardableResult
    func publishElsewhere(_ channel: String, _ payload: String = "hi") -> Int64 {
        redis.publish(Array((options.prefix + channel).utf8), Array(payload.utf8))
    }

    func redisName(_ name: String, isPattern: Bool = false) -> FakeRedis.Name {
        FakeRedis.Name(bytes: Array((options.prefix + name).utf8), isPattern: isPattern)
    }

    /// The names that Redis has of us, without the prefix, and with a `~` in front of patterns.
    var subscribedNames: [String] {
        redis.subscribed.map {
            ($0.isPattern ? "~" : "") + String(decoding: $0.bytes.dropFirst(options.prefix.utf8.count), as: UTF8.self)
        }.sorted()
    }
}
