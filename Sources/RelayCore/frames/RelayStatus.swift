/// The state of the path as apps see it: the fields of a Status frame.
package struct RelayStatus: Equatable, Sendable {
    package var state: State = .down
    package var reason = ""
    /// When `state` was entered, milliseconds since 1970.
    package var sinceUnixMilliseconds: UInt64 = 0
    /// Departures from UP since the relay started.
    package var outages: UInt64 = 0
    /// On the way to UP: how long it was not UP, in milliseconds; else 0.
    package var downMilliseconds: UInt64 = 0
    package var publishing = false
    package var receiving = false
    /// Breaks in receiving since the relay started.
    package var gaps: UInt64 = 0
    package var cause: Cause = .starting

    package init() {}
}
