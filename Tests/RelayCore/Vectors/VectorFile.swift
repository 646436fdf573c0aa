import FoundationEssentials

/// A value of a test vector.
enum JSON: Decodable, Equatable {
    case null
    case bool(Bool)
    case number(UInt64)
    /// A value of an enum that no version has, below 0.
    case negative(Int64)
    case text(String)
    case list([JSON])
    case object([String: JSON])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(UInt64.self) {
            self = .number(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .negative(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let value = try? container.decode([JSON].self) {
            self = .list(value)
        } else {
            self = .object(try container.decode([String: JSON].self))
        }
    }

    /// The value of a key; null if there is none.
    subscript(key: String) -> JSON {
        if case .object(let members) = self { members[key] ?? .null } else { .null }
    }
    var isPresent: Bool { self != .null }
    var flag: Bool { self == .bool(true) }
    var text: String { if case .text(let text) = self { text } else { "" } }
    var list: [JSON] { if case .list(let values) = self { values } else { [] } }
    /// The UTF-8 of a string.
    var utf8: [UInt8] { Array(text.utf8) }
    /// Numbers beyond 2^53-1 are strings in the vectors.
    var number: UInt64 {
        switch self {
        case .number(let value): value
        case .text(let digits): UInt64(digits) ?? 0
        default: 0
        }
    }
    /// The bytes that a string of hex digits stands for.
    var bytes: [UInt8] {
        let digits = Array(text.utf8)
        return stride(from: 0, to: digits.count, by: 2).map {
            UInt8(String(decoding: digits[$0..<($0 + 2)], as: UTF8.self), radix: 16)!
        }
    }
}

/// A file of `proto/vectors`, found from where this source file is.
/// - Throws: if the file is not there or is not JSON.
func vectorFile(_ name: String, from source: String = #filePath) throws -> JSON {
    let root = source.split(separator: "/").dropLast(4).joined(separator: "/")
    let data = try Data(contentsOf: URL(filePath: "/\(root)/proto/vectors/\(name)"))
    return try JSONDecoder().decode(JSON.self, from: data)
}
