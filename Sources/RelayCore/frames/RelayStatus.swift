/// The state of the path as apps see it: the fields of a Status frame.
package struct RelayStatus: Equatable, Sendable {
    package var state: State = .down
    package var reason = ""
    /// When `state` was entered, in milliseconds since 1970.
    package var sinceUnixMilliseconds: UInt64 = 0
    /// How often the state has left UP since the relay started.
    package var outages: UInt64 = 0
    /// In a change to UP: for how long the state was not UP, in milliseconds; otherwise 0.
    package var downMilliseconds: UInt64 = 0
    package var publishing = false
    package var receiving = false
    /// Gaps in receiving since the relay started.
    package var gaps: UInt64 = 0
    package var cause: Cause = .starting

    package init() {}
}
