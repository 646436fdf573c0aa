import RESP
import RedisWire

/// A generator with a seed, so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    // SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// Any bytes, mostly few: up to 40, but rarely up to 20,000, which is more than hiredis is fed at once.
    mutating func bytes() -> [UInt8] {
        let count = Int.random(in: 0..<50, using: &self) == 0 ? 20_000 : 40
        return (0..<Int.random(in: 0...count, using: &self)).map { _ in
            UInt8.random(in: 0...255, using: &self)
        }
    }

    /// A line of printable ASCII.
    mutating func text() -> String {
        String(
            decoding: (0..<Int.random(in: 0...30, using: &self)).map { _ in
                UInt8.random(in: 0x20...0x7E, using: &self)
            }, as: UTF8.self)
    }

    /// Any reply but a push; arrays nest at most `depth` deep.
    mutating func reply(depth: Int) -> Resp {
        switch Int.random(in: 0..<(depth > 0 ? 9 : 6), using: &self) {
        case 0: return .status(text())
        case 1: return .error(text())
        case 2: return .integer(Int64.random(in: .min ... .max, using: &self))
        case 3: return .bulk(bytes())
        case 4: return .nilBulk
        case 5: return .nilArray
        default:
            let count = Int.random(in: 0...6, using: &self)
            return .array((0..<count).map { _ in reply(depth: depth - 1) })
        }
    }

    mutating func sample() -> Sample {
        let count = Int64.random(in: 0...1_000_000, using: &self)
        switch Int.random(in: 0..<11, using: &self) {
        case 10:
            let words = [["message", "c"], ["smessage", "c"], ["pmessage", "*", "c"]].randomElement(using: &self)!
            let payload = reply(depth: 5)
            if case .bulk = payload { return .message(bytes(), bytes()) }
            return .oddMessage(words, payload)
        case 0...2: return .message(bytes(), bytes())
        case 3: return .shardMessage(bytes(), bytes())
        case 4, 5: return .patternMessage(bytes(), bytes(), bytes())
        case 6: return .confirmation(.allCases.randomElement(using: &self)!, bytes(), count)
        case 7:
            let kinds: [SubscribeVerb] = [.unsubscribe, .punsubscribe, .sunsubscribe]
            return .confirmation(kinds.randomElement(using: &self)!, nil, count)
        case 8: return .reply(.integer(count))
        default: return .reply(reply(depth: 6))
        }
    }
}
