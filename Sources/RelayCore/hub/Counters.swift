/// What `/health` and `/metrics` count, from the start of the relay. Nothing here is ever reset.
package final class Counters {
    /// One number per case of an enumeration.
    package struct Table<Key: RawRepresentable>: Sendable where Key.RawValue == UInt8 {
        // In place: an array would check at each count whether it is shared. It has a place for every raw value.
        private var values = InlineArray<256, UInt64>(repeating: 0)
        package subscript(key: Key) -> UInt64 {
            get { values[Int(key.rawValue)] }
            set { values[Int(key.rawValue)] = newValue }
        }
        package var total: UInt64 { values.indices.reduce(0) { $0 + values[$1] } }
    }

    /// Publishes with an id, by the outcome of their Reply.
    package var publishes = Table<Outcome>()
    /// Publishes without an id that Redis took.
    package var publishesUnacknowledged: UInt64 = 0
    /// Publishes without an id that Redis did not take, or of which that is unknown.
    package var publishesLost = Table<Cause>()
    /// Messages that Redis sent, each counted once, however many connections receive it.
    package var messagesReceived: UInt64 = 0
    /// Messages whose payload was not a string: no app subscribes to those.
    package var oddMessages: UInt64 = 0
    /// Messages handed to connections.
    package var messagesDelivered: UInt64 = 0
    package var messagesLost = Table<Cause>()
    package var bytesFromApps: UInt64 = 0
    package var bytesToApps: UInt64 = 0
    package var bytesFromRedis: UInt64 = 0
    package var bytesToRedis: UInt64 = 0
    /// Connections that the relay closed with an Error.
    package var connectionsClosed = Table<ErrorCode>()
    package var connectionsAccepted: UInt64 = 0
    /// Subscribe requests that have been answered, with an id or without.
    package var subscribes = Table<Outcome>()
    /// Attempts to connect to a server, one for each address.
    package var connectionAttempts = Table<LinkKind>()

    package init() {}
}
