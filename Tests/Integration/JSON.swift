/// Any JSON text, to look into what a test does not know the shape of.
enum JSON: Decodable, Equatable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    init(from decoder: any Decoder) throws {
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
    subscript(name: String) -> JSON? {
        if case .object(let members) = self { return members[name] }
        return nil
    }

    /// The names of all members, those of inner objects too.
    var names: [String] {
        switch self {
        case .object(let members): members.flatMap { [$0.key] + $0.value.names }
        case .array(let elements): elements.flatMap(\.names)
        default: []
        }
    }
}
