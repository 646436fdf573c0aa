internal import FoundationEssentials

/// Any JSON value, for a test that does not know the structure of the text.
package enum JSON: Decodable, Equatable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    package init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else if let string = try? value.decode(String.self) {
            self = .string(string)
        } else if let array = try? value.decode([JSON].self) {
            self = .array(array)
        } else {
            self = .object(try value.decode([String: JSON].self))
        }
    }

    /// A member of an object.
    package subscript(name: String) -> JSON? {
        if case .object(let members) = self { return members[name] }
        return nil
    }

    package var text: String? {
        if case .string(let text) = self { text } else { nil }
    }

    package var elements: [JSON]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// The names of all members, including those of inner objects.
    package var names: [String] {
        switch self {
        case .object(let members): members.flatMap { [$0.key] + $0.value.names }
        case .array(let elements): elements.flatMap(\.names)
        default: []
        }
    }
}

extension HTTPAnswer {
    /// The body, taken as JSON.
    package var json: JSON {
        get throws { try JSONDecoder().decode(JSON.self, from: Data(body.utf8)) }
    }
}
