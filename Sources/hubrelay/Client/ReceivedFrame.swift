/// A frame from the relay, copied out of the bytes it came in. Numbers that this version does not know stay numbers.
enum ReceivedFrame: Equatable {
    case welcome(Welcome)
    case message(Message)
    case reply(Reply)
    case status(Status)
    case loss(Loss)
    case error(code: UInt64, detail: String)
    case revoked(channels: [String], patterns: [String], detail: String)
    /// A kind of frame from a later version, to be ignored.
    case unknown

    struct Welcome: Equatable {
        var version: UInt32 = 0
        var relayVersion = ""
        var relayID = ""
        var maxFrameBytes: UInt32 = 0
        var maxPayloadBytes: UInt32 = 0
        var status = Status()
    }

    struct Message: Equatable {
        var channel = ""
        var payload: [UInt8] = []
        /// nil if it came because of the channel itself.
        var pattern: String?
    }

    struct Reply: Equatable {
        var id: UInt64 = 0
        var outcome: UInt64 = 0
        var receivers: UInt64 = 0
        var detail = ""
        /// The channels and patterns that Redis refused.
        var channels: [String] = []
        var patterns: [String] = []
    }

    struct Status: Equatable {
        var state: UInt64 = 0
        var reason = ""
        var sinceUnixMilliseconds: UInt64 = 0
        var outages: UInt64 = 0
        var downMilliseconds: UInt64 = 0
        var publishing = false
        var receiving = false
        var gaps: UInt64 = 0
        var cause: UInt64 = 0
    }

    struct Loss: Equatable {
        var publishes: UInt64 = 0
        var messages: UInt64 = 0
        var reason = ""
        var publishesUnknown: UInt64 = 0
        var cause: UInt64 = 0
    }
}
