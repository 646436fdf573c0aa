import RESP
import TestSupport
import Testing

@testable import RelayCore

/// The relay does without what an access list denies, and asks for it again later.
@Suite struct AccessListTests {
    private let rig: HubRig
    private static let denial = "NOPERM User relay has no permissions to run this command"

    init() {
        var options = HubRig.Options()
        options.probeInterval = 5_000_000_000
        rig = HubRig(options)
    }

    /// The server does not report its role in the greeting.
    private func bringUpWithoutRole() {
        rig.answersGreeting = { $0 == ["ROLE"] ? .error(Self.denial) : nil }
        rig.bringUp()
        rig.redis.rolesAsked = 0
    }

    private func pass(seconds: Int) {
        for _ in 0..<(4 * seconds) {
            rig.tick()
            rig.settle()
        }
    }

    private var mended: [String?] {
        rig.lines.filter { $0.message == "Redis grants what it refused before" }.map { $0.metadata["what"] }
    }

    @Test func itIsAskedAgainNowAndThen() {
        bringUpWithoutRole()
        pass(seconds: 59)
        #expect(rig.redis.rolesAsked == 0 && mended == [])
        pass(seconds: 2)
        #expect(rig.redis.rolesAsked == 1 && mended == ["ROLE"] && rig.path.status.state == .up)
        pass(seconds: 7)
        #expect(rig.redis.rolesAsked > 1, "it is asked as usual from then on")
    }

    @Test func itIsAskedAgainOnceAReloadIsAskedFor() {
        bringUpWithoutRole()
        rig.event { rig.upstream.reload() }
        pass(seconds: 1)
        #expect(rig.redis.rolesAsked == 1 && mended == ["ROLE"])
    }

    @Test func aReplicaThatTellsItsRoleLateIsLeft() {
        bringUpWithoutRole()
        rig.redis.roleName = "slave"
        rig.event { rig.upstream.reload() }
        pass(seconds: 1)
        #expect(!rig.isPublishLinkUp(0) && !rig.isSubscribeLinkUp(0) && rig.path.status.cause == .demoted)
    }

    @Test func withoutItsOwnChannelItIsNotUpAndWithItItIs() {
        rig.redis.ownChannelRefusal = "NOPERM No permissions to access a channel"
        rig.bringUp()
        #expect(rig.path.status.state == .degraded && rig.path.status.cause == .auth)
        rig.redis.ownChannelRefusal = nil
        rig.event { rig.upstream.reload() }
        pass(seconds: 1)
        #expect(rig.path.status.state == .up && mended == ["the relay's own channel"])
    }

    /// Redis has confirmed a name of an app, so there is a channel that may be used.
    @Test func withoutItsOwnChannelAnotherOneWillDo() {
        rig.redis.ownChannelRefusal = "NOPERM No permissions to access a channel"
        rig.bringUp()
        let app = rig.connect()
        app.write(.subscribe(["a"], id: 1))
        rig.settle()
        #expect(rig.path.status.state == .up)
        #expect(app.takeLines().contains("status up"))
    }
}
