/// The argument of the relay's own PINGs, which Redis repeats in its answer (PING with an argument, since Redis 2.8).
/// It shows that an answer belongs to this PING and to no other.
package enum PingToken {
    /// The token of the greeting, which finds out whether the server repeats it.
    package static let ofGreeting = "hubrelay-0"

    /// The token of PING `number` of a link, from 1 on.
    package static func bytes(of number: UInt64) -> [UInt8] { Array(text(of: number).utf8) }
    package static func text(of number: UInt64) -> String { "hubrelay-\(number)" }

    /// Whether these bytes look like a token.
    package static func isToken(_ bytes: [UInt8]) -> Bool { bytes.starts(with: "hubrelay-".utf8) }
}
