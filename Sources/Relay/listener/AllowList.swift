internal import Posix

/// Which peers may connect: those that match an entry. Without any entry, all peers that the socket's mode admits.
struct AllowList {
    var uids: Set<UInt32>
    var gids: [UInt32]

    init(uids: [UInt32], gids: [UInt32]) { (self.uids, self.gids) = (Set(uids), gids) }

    func lets(_ peer: PeerCredentials) -> Bool {
        if uids.isEmpty && gids.isEmpty { return true }
        return uids.contains(peer.uid) || gids.contains { peer.belongs(to: $0) }
    }

    var isOpen: Bool { uids.isEmpty && gids.isEmpty }
}
