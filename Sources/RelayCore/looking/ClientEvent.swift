/// What has become of a connection, for the log.
package enum ClientEvent: Equatable, Sendable {
    /// It has lost a message for the first time, as it does not read fast enough.
    case beganToLose
    // These only while `Hub.tellsClientEvents`.
    /// It has said Hello.
    case greeted
    /// A Subscribe with so many names has been answered.
    case subscribed(names: Int, Outcome)
    /// An Unsubscribe has been answered.
    case unsubscribed(names: Int)
}
