import Testing

@testable import Posix
@testable import Relay

@Suite struct AllowListTests {
    private func peer(uid: UInt32, gid: UInt32, groups: [UInt32] = []) -> PeerCredentials {
        PeerCredentials(pid: 1, uid: uid, gid: gid, groups: groups)
    }

    @Test func withoutEntriesEverybodyIsLetIn() {
        let list = AllowList(uids: [], gids: [])
        #expect(list.isOpen)
        #expect(list.lets(peer(uid: 0, gid: 0)))
        #expect(list.lets(peer(uid: .max, gid: .max)))
    }

    @Test func anyMatchLetsIn() {
        let list = AllowList(uids: [1000, 1001], gids: [50])
        #expect(!list.isOpen)
        #expect(list.lets(peer(uid: 1001, gid: 1)))
        #expect(list.lets(peer(uid: 2000, gid: 50)))
        #expect(list.lets(peer(uid: 2000, gid: 1, groups: [7, 50])), "a supplementary group")
        #expect(!list.lets(peer(uid: 2000, gid: 1, groups: [7])))
    }

    @Test func aUserIsNoGroup() {
        #expect(!AllowList(uids: [50], gids: []).lets(peer(uid: 1, gid: 50, groups: [50])))
        #expect(!AllowList(uids: [], gids: [50]).lets(peer(uid: 50, gid: 1)))
    }

    @Test func rootIsNoException() {
        #expect(!AllowList(uids: [1000], gids: []).lets(peer(uid: 0, gid: 0)))
    }
}
