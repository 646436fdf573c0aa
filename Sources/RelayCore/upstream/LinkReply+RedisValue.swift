package import RESP

extension LinkMachine.Reply {
    init(_ value: RedisValue) {
        switch value {
        case .error(let text): self = .error(text)
        case .status(let text): self = .status(text)
        case .bulk(let bytes): self = .text(String(decoding: bytes, as: UTF8.self))
        case .array(let elements):
            guard case .bulk(let bytes)? = elements.first else {
                self = .other
                return
            }
            self = .role(String(decoding: bytes, as: UTF8.self))
        case .integer(let number): self = .number(number)
        case .nilValue: self = .nothing
        }
    }

    /// - Parameter step: the step of the greeting that it answers, if any.
    package init(_ value: RedisValue, to step: LinkMachine.GreetingStep?) {
        guard let step, case .array(let elements) = value else {
            self.init(value)
            return
        }
        if step == .user {
            self = .user(channels: Self.channels(in: elements))
        } else if let name = step.setting {
            self = Self.setting(name, in: elements)
        } else {
            self.init(value)
        }
    }

    private static func setting(_ name: String, in elements: [RedisValue]) -> Self {
        guard elements.count == 2, elements[0] == .bulk(Array(name.utf8)), case .bulk(let value) = elements[1] else {
            return .other
        }
        return .setting(String(decoding: value, as: UTF8.self))
    }

    /// The channel patterns in an answer to ACL GETUSER, including those of selectors; nil if the answer contains no
    /// such field. Redis 6.2 lists them; later versions write them in one string, each with an `&` before it.
    private static func channels(in fields: [RedisValue]) -> [String]? {
        var patterns: [String]?
        for index in stride(from: 0, to: fields.count - 1, by: 2) {
            guard case .bulk(let name) = fields[index] else { continue }
            switch (String(decoding: name, as: UTF8.self), fields[index + 1]) {
            case ("channels", .bulk(let text)):
                let words = String(decoding: text, as: UTF8.self).split(separator: " ")
                patterns = (patterns ?? []) + words.map { String($0.first == "&" ? $0.dropFirst() : $0) }
            case ("channels", .array(let words)):
                patterns = patterns ?? []
                for case .bulk(let word) in words { patterns?.append(String(decoding: word, as: UTF8.self)) }
            case ("selectors", .array(let selectors)):
                for case .array(let selector) in selectors {
                    if let more = channels(in: selector) { patterns = (patterns ?? []) + more }
                }
            default: break
            }
        }
        return patterns
    }
}
