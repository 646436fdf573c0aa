import Testing

@testable import RelayCore

/// A start that must not wait for Redis.
@Suite struct GivingUpTests {
    /// Both links may fail for the last time in one event. A second request to end would count as one to end at once.
    @Test func itIsAskedForOnce() {
        var options = HubRig.Options()
        options.attemptsAtStart = 1
        let rig = HubRig(options)
        rig.event {
            for link in rig.upstream.nodes[0].links { link.connectingFailed("refused") }
        }
        #expect(rig.timesGivenUp == 1)
        #expect(rig.lines.count { $0.level == .critical } == 1)
    }

    @Test func notOnceItHasBeenUp() {
        var options = HubRig.Options()
        options.attemptsAtStart = 1
        let rig = HubRig(options)
        rig.bringUp()
        rig.loseBothLinks()
        rig.event {
            for link in rig.upstream.nodes[0].links {
                link.wake()
                link.connectingFailed("refused")
            }
        }
        #expect(rig.timesGivenUp == 0)
    }
}
