import Testing

@testable import RelayCore

/// A `ClusterView` in a class, so that it can be changed inside an expectation.
private final class Believer {
    private(set) var view = ClusterView()

    func answered(_ told: ClusterTopology, epoch: UInt64, now: UInt64) -> ClusterView.Verdict {
        view.answered(told, epoch: epoch, now: now)
    }

    func redirected(_ slot: UInt16, to address: ClusterTopology.Address, now: UInt64) -> Bool {
        view.redirected(slot, to: address, now: now)
    }

    func forgive(_ nanoseconds: UInt64, now: UInt64) { view.forgive(nanoseconds, now: now) }

    var topology: ClusterTopology? { view.topology }
    var epoch: UInt64 { view.epoch }
    var members: [ClusterTopology.Address] { view.members }
    var owners: [ClusterTopology.Address?] { view.owners }
    func owner(of slot: UInt16) -> ClusterTopology.Address? { view.owner(of: slot) }
}

@Suite("Whom to believe about a cluster")
struct ClusterViewTests {
    private typealias Topology = ClusterTopology

    private func address(_ port: UInt16) -> Topology.Address { .init(host: "h", port: port) }

    /// Each master has the slots from its own `from` to the one before the next master's `from`.
    private func topology(_ masters: (port: UInt16, from: UInt16)..., others: [UInt16] = []) throws -> Topology {
        let ends = masters.dropFirst().map { $0.from - 1 } + [16_383]
        return try #require(
            Topology(
                masters: zip(masters, ends).map {
                    .init(address: address($0.port), slots: [$0.from...$1], id: "id\($0.port)")
                },
                others: others.map(address)))
    }

    /// A view of two masters, 1 and 2, and a replica, at epoch 5.
    private func view() throws -> Believer {
        let view = Believer()
        let verdict = view.answered(try topology((1, 0), (2, 8_000), others: [3]), epoch: 5, now: 0)
        #expect(verdict == .changed)
        return view
    }

    @Test("before anybody has answered nothing is known")
    func empty() {
        let view = ClusterView()
        #expect(view.topology == nil && view.members.isEmpty && view.owner(of: 0) == nil)
        #expect(view.owners.count == 16_384 && view.owners.allSatisfy { $0 == nil })
    }

    @Test("what is told is taken, once as news")
    func adoption() throws {
        let view = try view()
        #expect(view.epoch == 5 && view.members == [1, 2, 3].map(address))
        #expect(view.owner(of: 7_999) == address(1) && view.owner(of: 8_000) == address(2))
        #expect(view.owners[7_999] == address(1) && view.owners[8_000] == address(2))
        let same = try topology((1, 0), (2, 8_000), others: [3])
        #expect(view.answered(same, epoch: 5, now: 1) == .unchanged)
        #expect(view.answered(same, epoch: 6, now: 2) == .unchanged && view.epoch == 6)
        #expect(view.answered(try topology((1, 0), (2, 8_001), others: [3]), epoch: 6, now: 3) == .changed)
        #expect(view.owner(of: 8_000) == address(1))
        #expect(view.answered(try topology((1, 0), (2, 8_001)), epoch: 6, now: 4) == .changed, "a replica has gone")
        #expect(view.members == [1, 2].map(address))
    }

    @Test("the first answer is news even if it is of nothing")
    func nothingAtAll() throws {
        let view = Believer()
        let nothing = try #require(Topology(masters: [], others: []))
        #expect(view.answered(nothing, epoch: 0, now: 0) == .changed && view.topology == nothing)
        #expect(view.owner(of: 1) == nil && view.owners[1] == nil)
    }

    @Test("slots that nobody owns have no owner")
    func holes() throws {
        let view = Believer()
        let told = try #require(
            Topology(masters: [.init(address: address(1), slots: [0...9, 20...29], id: "")], others: []))
        _ = view.answered(told, epoch: 1, now: 0)
        #expect(view.owners[9] == address(1) && view.owners[10] == nil && view.owners[30] == nil)
        #expect(view.owner(of: 10) == nil)
    }

    @Test("a member that is behind is not believed")
    func outdated() throws {
        let view = try view()
        #expect(view.answered(try topology((2, 0)), epoch: 4, now: 1) == .outdated)
        #expect(view.owner(of: 0) == address(1) && view.epoch == 5)
    }

    @Test("nor one that knows of fewer slots and of no later change: it has just joined, or was taken out")
    func knowsLess() throws {
        let view = try view()
        let part = try #require(
            Topology(masters: [.init(address: address(1), slots: [0...7_999], id: "")], others: []))
        let nothing = try #require(Topology(masters: [], others: []))
        #expect(view.answered(part, epoch: 5, now: 1) == .outdated)
        #expect(view.answered(nothing, epoch: 5, now: 1) == .outdated)
        #expect(view.owner(of: 9_000) == address(2))
        #expect(view.answered(part, epoch: 6, now: 1) == .changed, "something has happened since")
    }

    @Test("unless all of them are: then the cluster has been set up anew")
    func setUpAnew() throws {
        let view = try view()
        let anew = try topology((7, 0))
        for _ in 0..<3 { #expect(view.answered(anew, epoch: 1, now: 1) == .outdated) }
        #expect(view.answered(anew, epoch: 1, now: 2) == .changed)
        #expect(view.owner(of: 0) == address(7) && view.epoch == 1 && view.members == [address(7)])
    }

    @Test("in a row, that is: one that is not behind ends it")
    func setUpAnewInARow() throws {
        let view = try view()
        let anew = try topology((7, 0))
        for _ in 0..<3 { #expect(view.answered(anew, epoch: 1, now: 1) == .outdated) }
        #expect(view.answered(try topology((1, 0), (2, 8_000), others: [3]), epoch: 5, now: 1) == .unchanged)
        for _ in 0..<3 { #expect(view.answered(anew, epoch: 1, now: 1) == .outdated) }
        #expect(view.answered(anew, epoch: 1, now: 1) == .changed)
        #expect(view.answered(anew, epoch: 1, now: 1) == .unchanged, "the count begins anew")
    }

    // MARK: Redirections

    @Test("a redirection counts at once, for its slot alone")
    func redirection() throws {
        let view = try view()
        #expect(view.redirected(100, to: address(2), now: 1000.ms))
        #expect(view.owner(of: 100) == address(2) && view.owner(of: 99) == address(1))
        #expect(view.owners[100] == address(2) && view.owners[101] == address(1))
        #expect(view.members == [1, 2, 3].map(address), "who is a member is not told by it")
    }

    @Test("one that says what is known is no news")
    func knownRedirection() throws {
        let view = try view()
        #expect(!view.redirected(100, to: address(1), now: 0))
        #expect(view.redirected(100, to: address(2), now: 0))
        #expect(!view.redirected(100, to: address(2), now: 1000.ms))
    }

    @Test("nodes that point at each other make no storm")
    func pause() throws {
        let view = try view()
        #expect(view.redirected(100, to: address(2), now: 1000.ms))
        #expect(!view.redirected(100, to: address(1), now: 1099.ms) && view.owner(of: 100) == address(2))
        #expect(view.redirected(101, to: address(2), now: 1099.ms), "another slot is another matter")
        #expect(view.redirected(100, to: address(1), now: 1100.ms) && view.owner(of: 100) == address(1))
        #expect(!view.redirected(100, to: address(2), now: 1199.ms))
    }

    @Test("a member that has not heard of it does not undo it, for a while")
    func unheardOf() throws {
        let view = try view()
        let old = try topology((1, 0), (2, 8_000), others: [3])
        #expect(view.redirected(100, to: address(2), now: 1000.ms))
        #expect(view.answered(old, epoch: 5, now: 2999.ms) == .unchanged && view.owner(of: 100) == address(2))
        #expect(view.answered(old, epoch: 5, now: 3000.ms) == .changed && view.owner(of: 100) == address(1))
        #expect(view.answered(old, epoch: 5, now: 3001.ms) == .unchanged)
    }

    @Test("time in which the relay stood still does not count to that while")
    func unheardOfInAStall() throws {
        let view = try view()
        let old = try topology((1, 0), (2, 8_000), others: [3])
        #expect(view.redirected(100, to: address(2), now: 1000.ms))
        view.forgive(5000.ms, now: 6500.ms)
        #expect(view.answered(old, epoch: 5, now: 7999.ms) == .unchanged && view.owner(of: 100) == address(2))
        #expect(view.answered(old, epoch: 5, now: 8000.ms) == .changed && view.owner(of: 100) == address(1))
        #expect(view.redirected(100, to: address(2), now: 9000.ms))
        view.forgive(5000.ms, now: 9050.ms)
        #expect(view.redirected(100, to: address(3), now: 9150.ms), "nothing is put off to what is still to come")
    }

    @Test("a member that knows more does")
    func laterEpoch() throws {
        let view = try view()
        #expect(view.redirected(100, to: address(2), now: 1000.ms))
        #expect(view.answered(try topology((1, 0), (2, 8_000), others: [3]), epoch: 6, now: 1001.ms) == .changed)
        #expect(view.owner(of: 100) == address(1))
    }

    @Test("one that confirms it ends it: later news count at once")
    func confirmed() throws {
        let view = try view()
        #expect(view.redirected(8_000, to: address(1), now: 1000.ms))
        #expect(view.answered(try topology((1, 0), (2, 8_001), others: [3]), epoch: 5, now: 1001.ms) == .changed)
        #expect(view.owner(of: 8_000) == address(1))
        #expect(view.answered(try topology((1, 0), (2, 8_000), others: [3]), epoch: 5, now: 1002.ms) == .changed)
        #expect(view.owner(of: 8_000) == address(2))
        #expect(view.redirected(8_000, to: address(1), now: 1003.ms), "nor is there a pause any more")
    }

    @Test("slots that nobody owned can be redirected")
    func fromNobody() throws {
        let view = Believer()
        _ = view.answered(try topology((1, 100)), epoch: 1, now: 0)
        #expect(view.owner(of: 99) == nil && view.redirected(99, to: address(1), now: 1))
        #expect(view.owner(of: 99) == address(1) && view.owners[99] == address(1))
        #expect(view.answered(try topology((1, 100)), epoch: 1, now: 2) == .unchanged)
        #expect(view.owners[99] == address(1))
    }
}
