import RESP
import RedisWire

/// A RESP2 value and its bytes, written without hiredis. The reader is compared with it.
indirect enum Resp {
    case status(String), error(String), integer(Int64), bulk([UInt8]), nilBulk, nilArray, array([Resp])

    static func bulk(_ text: String) -> Resp { .bulk(Array(text.utf8)) }

    var bytes: [UInt8] {
        switch self {
        case .status(let text): Array("+\(text)\r\n".utf8)
        case .error(let text): Array("-\(text)\r\n".utf8)
        case .integer(let number): Array(":\(number)\r\n".utf8)
        case .bulk(let content): Array("$\(content.count)\r\n".utf8) + content + Array("\r\n".utf8)
        case .nilBulk: Array("$-1\r\n".utf8)
        case .nilArray: Array("*-1\r\n".utf8)
        case .array(let elements): Array("*\(elements.count)\r\n".utf8) + elements.flatMap(\.bytes)
        }
    }

    var value: RedisValue {
        switch self {
        case .status(let text): .status(text)
        case .error(let text): .error(text)
        case .integer(let number): .integer(number)
        case .bulk(let content): .bulk(content)
        case .nilBulk, .nilArray: .nilValue
        case .array(let elements): .array(elements.map(\.value))
        }
    }
}

/// One reply on the wire, and the one call of the sink that it must lead to.
struct Sample {
    let bytes: [UInt8]
    let event: Event

    static func message(_ channel: [UInt8], _ payload: [UInt8]) -> Sample {
        Sample(
            bytes: Resp.array([.bulk("message"), .bulk(channel), .bulk(payload)]).bytes,
            event: .message(channel, payload))
    }

    static func shardMessage(_ channel: [UInt8], _ payload: [UInt8]) -> Sample {
        Sample(
            bytes: Resp.array([.bulk("smessage"), .bulk(channel), .bulk(payload)]).bytes,
            event: .message(channel, payload))
    }

    static func patternMessage(_ pattern: [UInt8], _ channel: [UInt8], _ payload: [UInt8]) -> Sample {
        Sample(
            bytes: Resp.array([.bulk("pmessage"), .bulk(pattern), .bulk(channel), .bulk(payload)]).bytes,
            event: .patternMessage(pattern, channel, payload))
    }

    /// A message whose payload is not a string.
    static func oddMessage(_ words: [String], _ payload: Resp) -> Sample {
        Sample(bytes: Resp.array(words.map { .bulk($0) } + [payload]).bytes, event: .oddMessage)
    }

    static func confirmation(_ verb: SubscribeVerb, _ name: [UInt8]?, _ count: Int64) -> Sample {
        let word = Resp.bulk(verb.word)
        return Sample(
            bytes: Resp.array([word, name.map { .bulk($0) } ?? .nilBulk, .integer(count)]).bytes,
            event: .confirmation(verb, name, count))
    }

    static func reply(_ reply: Resp) -> Sample {
        if case .integer(let number) = reply { return Sample(bytes: reply.bytes, event: .integer(number)) }
        return Sample(bytes: reply.bytes, event: .reply(reply.value))
    }
}
