/// A reply of Redis as a tree. Only for rare replies, since each value owns its bytes.
public enum RedisValue: Equatable, Sendable {
    case integer(Int64)
    /// A simple string such as PONG; the text is cleaned and cut, see ``RedisText``.
    case status(String)
    /// An error; the text, cleaned and cut in the same way, begins with a code in capitals (`NOPERM ...`).
    case error(String)
    case bulk([UInt8])
    case nilValue
    case array([RedisValue])
}
