/// The last changes of the path's state, for people who look later. At most `capacity` of them are kept.
package struct PathHistory: Sendable {
    package struct Entry: Equatable, Sendable {
        /// Milliseconds since 1970.
        package var unixMilliseconds: UInt64
        package var state: State
        /// Why it is not UP.
        package var cause: Cause
        package var publishing: Bool
        package var receiving: Bool
        /// Gaps in receiving by then.
        package var gaps: UInt64
    }

    package static let capacity = 256

    private var ring: [Entry] = []
    /// The index of the oldest entry, once the ring is full.
    private var oldest = 0

    package init() {}

    /// From the oldest to the latest.
    package var entries: [Entry] { Array(ring[oldest...] + ring[..<oldest]) }

    package mutating func append(_ status: RelayStatus, unixMilliseconds: UInt64) {
        let entry = Entry(
            unixMilliseconds: unixMilliseconds, state: status.state, cause: status.cause, publishing: status.publishing,
            receiving: status.receiving, gaps: status.gaps)
        guard ring.count == Self.capacity else { return ring.append(entry) }
        ring[oldest] = entry
        oldest = (oldest + 1) % Self.capacity
    }
}
