/// What has happened to a connection, for the log.
package enum ClientEvent: Equatable, Sendable {
    /// It has lost a message for the first time, because it does not read fast enough.
    case beganToLose
    // The others are reported only while `Hub.tellsClientEvents`.
    /// It has said Hello.
    case greeted
    /// A Subscribe with so many names has been answered.
    case subscribed(names: Int, Outcome)
    /// An Unsubscribe with so many names has been carried out.
    case unsubscribed(names: Int)
}
