import TestSupport
import Testing

@testable import RelayCore

/// The last changes of the path, for people who look later.
@Suite struct PathHistoryTests {
    @Test func itHoldsTheLastOnesInTheirOrder() {
        var history = PathHistory()
        #expect(history.entries.isEmpty)
        for count in [1, 2, PathHistory.capacity, PathHistory.capacity + 1, 3 * PathHistory.capacity + 7] {
            history = PathHistory()
            for number in 0..<count { history.append(RelayStatus(), unixMilliseconds: UInt64(number)) }
            let kept = Array((0..<count).suffix(PathHistory.capacity))
            #expect(history.entries.map { Int($0.unixMilliseconds) } == kept)
        }
    }

    @Test func anOutageIsInItFromItsBeginningToItsEnd() {
        let rig = HubRig()
        #expect(rig.upstream.pathHistory.entries.map(\.state) == [.down])
        rig.bringUp()
        #expect(rig.upstream.pathHistory.entries.last?.state == .up)
        let before = rig.upstream.pathHistory.entries.count
        rig.loseBothLinks()
        rig.bringUp()
        let outage = Array(rig.upstream.pathHistory.entries[before...])
        #expect(outage.contains { $0.state == .down && $0.cause != .unspecified && !$0.publishing })
        #expect(outage.last?.state == .up && outage.last?.gaps == 1)
        rig.event { rig.upstream.stop() }
        #expect(rig.upstream.pathHistory.entries.last?.state == .stopping)
    }
}
