import Testing

@testable import RelayCore

@Suite("Who owns which slots")
struct ClusterTopologyTests {
    private func address(_ number: UInt16) -> ClusterTopology.Address { .init(host: "h", port: number) }

    private func master(_ number: UInt16, _ slots: ClosedRange<UInt16>...) -> ClusterTopology.Master {
        .init(address: address(number), slots: slots, id: "id\(number)")
    }

    @Test("masters in the order of their slots, in as few ranges as there are")
    func order() throws {
        let topology = try #require(
            ClusterTopology(
                masters: [
                    master(2, 100...199), master(1, 50...99), master(1, 0...49, 300...300), master(2, 200...299),
                ],
                others: [address(9), address(8), address(9)]))
        #expect(topology.masters == [master(1, 0...99, 300...300), master(2, 100...299)])
        #expect(topology.others == [address(8), address(9)])
        let owners = topology.owners()
        #expect(owners.count == 16_384)
        #expect([owners[0], owners[99], owners[100], owners[299], owners[300], owners[301]] == [0, 0, 1, 1, 0, .max])
        #expect(owners[16_383] == .max)
        for slot in [0, 99, 100, 199, 200, 299, 300, 301, 16_383] as [UInt16] {
            let index = Int(owners[Int(slot)])
            #expect(topology.owner(of: slot) == (index < 2 ? topology.masters[index] : nil))
        }
        #expect(topology.owner(of: 16_384) == nil && topology.owner(of: .max) == nil)
    }

    @Test("the same cluster is equal, in whatever order it is told")
    func equality() throws {
        let one = ClusterTopology(masters: [master(1, 0...9), master(2, 10...19)], others: [address(3), address(4)])
        let two = ClusterTopology(masters: [master(2, 10...19), master(1, 0...9)], others: [address(4), address(3)])
        #expect(one != nil && one == two)
        #expect(
            one != ClusterTopology(masters: [master(1, 0...10), master(2, 11...19)], others: [address(3), address(4)]))
    }

    @Test("a slot with two owners, and one that there is not")
    func impossible() {
        #expect(ClusterTopology(masters: [master(1, 0...9), master(2, 9...19)], others: []) == nil)
        #expect(ClusterTopology(masters: [master(1, 0...9, 5...6)], others: []) == nil)
        #expect(ClusterTopology(masters: [master(1, 0...16_384)], others: []) == nil)
        #expect(ClusterTopology(masters: [master(1, 0 ... .max)], others: []) == nil)
        #expect(ClusterTopology(masters: [master(1, 0...16_383)], others: []) != nil)
        #expect(ClusterTopology(masters: [], others: [])?.owners() == [UInt16](repeating: .max, count: 16_384))
    }

    @Test("a master without slots is one of the others")
    func idle() throws {
        let topology = try #require(
            ClusterTopology(
                masters: [master(1), master(3, 0...0)], others: [address(3)]))
        #expect(topology.masters == [master(3, 0...0)])
        #expect(topology.others == [address(1)])
    }

    @Test("two nodes at one address, as behind a proxy, stay two")
    func sharedAddress() throws {
        let (one, two) = (master(1, 0...9), master(2, 10...19))
        var other = two
        other.address = one.address
        #expect(try #require(ClusterTopology(masters: [one, other], others: [])).masters == [one, other])
    }

    @Test("every slot with an owner of its own")
    func scattered() throws {
        let topology = try #require(
            ClusterTopology(masters: (UInt16(0)..<16_384).reversed().map { master($0, $0...$0) }, others: []))
        #expect(topology.owners() == Array(0..<16_384))
    }

    @Test("a host is a name or an address by its characters")
    func hosts() {
        for host in ["h", "10.0.0.1", "::1", "fe80::1%eth0", "a-b_c.example.COM", String(repeating: "x", count: 255)] {
            #expect(ClusterTopology.Address.isHost(host), "\(host)")
        }
        let long = String(repeating: "x", count: 256)
        for host in [
            "", " ", "a b", "a\n", "\u{1b}[m", "é", "h\0", "a/b", "u@h", "h,i", "?", "[::1]", "\u{fffd}", long,
        ] {
            #expect(!ClusterTopology.Address.isHost(host), "\(host)")
        }
    }
}
