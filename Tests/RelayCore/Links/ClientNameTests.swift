import Testing

@testable import RelayCore

/// The names of connections in CLIENT LIST.
@Suite struct ClientNameTests {
    private func name(start: String = "hubrelay", host: String = "web1", prefix: String = "chat:") -> String {
        ClientName(start: start, relayID: "3cf0d2a7c8e61aa50454166fb7f14bfe", host: host, prefix: Array(prefix.utf8))
            .of(.publish)
    }

    @Test func itHasTheLinkTheRelayTheHostAndThePrefix() {
        #expect(name() == "hubrelay-publish-3cf0d2a7@web1/chat:")
        #expect(name(start: "shop", host: "", prefix: "") == "shop-publish-3cf0d2a7@/")
    }

    /// CLIENT SETNAME refuses spaces and unprintable bytes, and then the connection would have no name at all.
    @Test func whatRedisDoesNotTakeIsReplaced() {
        #expect(name(host: "we b\n1", prefix: "é\u{0}\u{7f} x") == "hubrelay-publish-3cf0d2a7@we_b_1/_____x")
        for byte: UInt8 in 0...255 {
            let name = ClientName(start: "h", relayID: "1", host: "", prefix: [byte]).of(.cluster)
            #expect(
                name.utf8.allSatisfy { (0x21...0x7e).contains($0) } && name.utf8.count == "h-cluster-1@/x".utf8.count)
        }
    }

    @Test func itHasABound() {
        let long = String(repeating: "x", count: 1000)
        #expect(name(host: long, prefix: long).utf8.count == "hubrelay-publish-3cf0d2a7@/".utf8.count + 128)
    }
}
