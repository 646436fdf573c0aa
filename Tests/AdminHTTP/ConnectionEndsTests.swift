import Testing

@testable import AdminHTTP

/// Who asks on this host.
@Suite struct ConnectionEndsTests {
    private func isOfThisHost(_ peer: [UInt8]?, asking own: [UInt8]?) -> Bool {
        ConnectionEnds(peer: peer, own: own).isOfThisHost
    }

    private let ipv6: [UInt8] = [0xfd] + [UInt8](repeating: 0, count: 14) + [7]

    @Test func loopbackAndTheAddressThatIsAskedAreHere() {
        #expect(isOfThisHost(nil, asking: nil), "a Unix socket")
        #expect(
            isOfThisHost([127, 0, 0, 1], asking: [127, 0, 0, 1])
                && isOfThisHost([127, 9, 8, 7], asking: [10, 0, 0, 1]))
        #expect(isOfThisHost([10, 0, 0, 1], asking: [10, 0, 0, 1]) && isOfThisHost(ipv6, asking: ipv6))
        #expect(isOfThisHost([UInt8](repeating: 0, count: 15) + [1], asking: ipv6))
    }

    @Test func othersAreElsewhere() {
        for peer: [UInt8] in [[10, 0, 0, 2], [126, 0, 0, 1], [128, 0, 0, 1], [12, 7, 0, 1]] {
            #expect(!isOfThisHost(peer, asking: [10, 0, 0, 1]))
        }
        var other = ipv6
        other[15] = 8
        for peer in [other, [UInt8](repeating: 0, count: 16), [127] + [UInt8](repeating: 0, count: 14) + [1]] {
            #expect(!isOfThisHost(peer, asking: ipv6))
        }
    }

    /// A server that listens on [::] sees IPv4 so.
    @Test func anIPv4AddressMayStandInAnIPv6One() {
        let zeros = [UInt8](repeating: 0, count: 10)
        #expect(ConnectionEnds.unmapped(zeros + [0xff, 0xff, 127, 0, 0, 1]) == [127, 0, 0, 1])
        for other in [zeros + [0xff, 0xfe, 127, 0, 0, 1], zeros + [0, 0, 127, 0, 0, 1], ipv6, [10, 0, 0, 1]] {
            #expect(ConnectionEnds.unmapped(other) == other)
        }
    }

    @Test(arguments: AdminFixture.Transport.allCases)
    func theKernelTellsWhereConnectionsComeFrom(transport: AdminFixture.Transport) throws {
        let fixture = try AdminFixture(transport)
        _ = fixture.exchange("GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(fixture.requests.map(\.isOfThisHost) == [true])
    }
}
