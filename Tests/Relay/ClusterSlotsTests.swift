import RESP
import RedisWire
import RelayCore
import TestSupport
import Testing

@testable import Relay

/// The reply that consists of these words, each on a line of its own.
func reply(_ words: String) throws -> RESP.RedisValue {
    let sink = ReplyKeeper()
    let reader = ReplyReader(sink: sink)
    let text = words.split(whereSeparator: \.isWhitespace).map { $0 + "\r\n" }.joined()
    try Array(text.utf8).withUnsafeBytes { try reader.feed($0) }
    return try #require(sink.value)
}

private final class ReplyKeeper: ReplySink {
    var value: RESP.RedisValue?
    override func integer(_ value: Int64) { self.value = .integer(value) }
    override func reply(_ value: RESP.RedisValue) { self.value = value }
}

func address(_ host: String, _ port: UInt16) -> ClusterTopology.Address { .init(host: host, port: port) }

@Suite("CLUSTER SLOTS of real servers is read")
struct ClusterSlotsTests {
    private func master(
        _ host: String, _ port: UInt16, _ slots: ClosedRange<UInt16>..., id: String
    ) -> ClusterTopology.Master {
        .init(address: address(host, port), slots: slots, id: id)
    }

    @Test("Redis 7.0.15, after a master was killed and its replica took over")
    func redis70() throws {
        let slots = try reply(
            """
            *3 *3 :0 :5460 *4 $9 127.0.0.1 :21703 $40 5682d16cf7d36073a80a1eb60a932d5deeb5bc70 *0
            *3 :5461 :10922 *4 $9 127.0.0.1 :21701 $40 1554cc6d50e6e42ee9625366eb69b5dd0961a55d *0
            *3 :10923 :16383 *4 $9 127.0.0.1 :21702 $40 7dab3a4965e7b27796d989af7ad335bc406235bf *0
            """)
        let topology = try #require(ClusterTopology(slots: slots, host: "elsewhere"))
        #expect(
            topology.masters == [
                master("127.0.0.1", 21703, 0...5460, id: "5682d16cf7d36073a80a1eb60a932d5deeb5bc70"),
                master("127.0.0.1", 21701, 5461...10922, id: "1554cc6d50e6e42ee9625366eb69b5dd0961a55d"),
                master("127.0.0.1", 21702, 10923...16383, id: "7dab3a4965e7b27796d989af7ad335bc406235bf"),
            ])
        #expect(topology.others.isEmpty)
    }

    @Test("Valkey 8.1, with a replica")
    func valkey81() throws {
        let slots = try reply(
            """
            *3 *4 :0 :5460 *4 $9 127.0.0.1 :21840 $40 43f9e5734bb0a4982dbafdc54bc129ad2e675593 *0
            *4 $9 127.0.0.1 :21843 $40 ebd74fe33cf79a775db8a05a017929d6ed7f7eb6 *0
            *3 :5461 :10922 *4 $9 127.0.0.1 :21841 $40 6c54fecb118f5debf9ca814a0fa670a589eb1b68 *0
            *3 :10923 :16383 *4 $9 127.0.0.1 :21842 $40 158af9612942e22940ef1eddfb2d8b0fe2d6944b *0
            """)
        let topology = try #require(ClusterTopology(slots: slots, host: "elsewhere"))
        #expect(topology.masters.map(\.address.port) == [21840, 21841, 21842])
        #expect(topology.others == [address("127.0.0.1", 21843)])
    }

    @Test("Redis 5.0.6, which has no metadata")
    func redis50() throws {
        let slots = try reply(
            """
            *3 *4 :0 :5460 *3 $9 127.0.0.1 :21820 $40 bd5b3df7c61bc7009229a564eacca3642d201d14
            *3 $9 127.0.0.1 :21823 $40 829ad991e4fbdb115878238f0ecf45c40cc3574f
            *3 :10923 :16383 *3 $9 127.0.0.1 :21822 $40 d665c314422718b581adfbcaaa1ecd0b2e152ec1
            *3 :5461 :10922 *3 $9 127.0.0.1 :21821 $40 252172cb7ddb8ce6c5163558ae2a075b7ca67e63
            """)
        let topology = try #require(ClusterTopology(slots: slots, host: "elsewhere"))
        #expect(topology.masters.map(\.address.port) == [21820, 21821, 21822])
        #expect(topology.masters[1].id == "252172cb7ddb8ce6c5163558ae2a075b7ca67e63")
        #expect(topology.others == [address("127.0.0.1", 21823)])
    }

    @Test("Redis 3.0.5, which has no ids")
    func redis30() throws {
        let slots = try reply(
            """
            *3 *3 :10923 :16383 *2 $9 127.0.0.1 :21832 *4 :0 :5460 *2 $9 127.0.0.1 :21830 *2 $9 127.0.0.1 :21833
            *3 :5461 :10922 *2 $9 127.0.0.1 :21831
            """)
        let topology = try #require(ClusterTopology(slots: slots, host: "elsewhere"))
        #expect(
            topology.masters == [
                master("127.0.0.1", 21830, 0...5460, id: ""), master("127.0.0.1", 21831, 5461...10922, id: ""),
                master("127.0.0.1", 21832, 10923...16383, id: ""),
            ])
        #expect(topology.others == [address("127.0.0.1", 21833)])
    }

    @Test("by hostnames, one of which is not known")
    func hostnames() throws {
        let slots = try reply(
            """
            *3 *4 :0 :5460 *4 $20 node-0.redis.example :21800 $40 f694b5525f654e30af41ffcda280102cc45794d9
            *2 $2 ip $9 127.0.0.1 *4 $20 node-3.redis.example :21803 $40 068a7c040d742dcf140bdd3e64b7da4a124d3c0b
            *2 $2 ip $9 127.0.0.1
            *3 :5461 :10922 *4 $20 node-1.redis.example :21801 $40 e7c9aeb967007a3f03a1775bb12da2ba47089bed
            *2 $2 ip $9 127.0.0.1
            *3 :10923 :16383 *4 $1 ? :21802 $40 e930db3744ffe6c48e4e29372a52f4bfef4cdf4d *2 $2 ip $9 127.0.0.1
            """)
        let topology = try #require(ClusterTopology(slots: slots, host: "elsewhere"))
        #expect(
            topology.masters.map(\.address) == [
                address("node-0.redis.example", 21800), address("node-1.redis.example", 21801),
                address("127.0.0.1", 21802),
            ])
        #expect(topology.others == [address("node-3.redis.example", 21803)])
    }

    @Test("told to say no hosts, all are where the one is that answered")
    func unknownEndpoints() throws {
        let slots = try reply(
            """
            *3 *4 :0 :5460 *4 $-1 :21810 $40 2056e01610aca9e292dd751698f07201381ad333 *2 $2 ip $9 127.0.0.1
            *4 $-1 :21813 $40 f974b52ce9efd800ce335ae6763e0e8f2f0b70e2 *2 $2 ip $9 127.0.0.1
            *3 :5461 :10922 *4 $-1 :21811 $40 6ddd669821220e901d4383c4b3f788b95807f35f *2 $2 ip $9 127.0.0.1
            *3 :10923 :16383 *4 $-1 :21812 $40 ce463a6bf84e2a55b90d1122bc27c471ca01f37b *2 $2 ip $9 127.0.0.1
            """)
        let topology = try #require(ClusterTopology(slots: slots, host: "proxy.example"))
        #expect(topology.masters.map(\.address) == (0..<3).map { address("proxy.example", 21810 + $0) })
        #expect(topology.others == [address("proxy.example", 21813)])
    }

    @Test("a server of its own, and what it says of its state")
    func realRedis() throws {
        let busPort = "\(try freePort())"
        let server = try RedisServer(onPort: true, settings: ["--cluster-enabled", "yes", "--cluster-port", busPort])
        guard case .port(let port) = server.address else { throw TestFailure("not on a port") }
        let client = try server.client()
        #expect(ClusterTopology(slots: .init(try client.run("CLUSTER", "SLOTS")), host: "h")?.masters == [])
        try client.run("CLUSTER", "ADDSLOTSRANGE", "0", "99", "101", "16383")
        let id = try client.run("CLUSTER", "MYID").text
        let topology = try #require(ClusterTopology(slots: .init(try client.run("CLUSTER", "SLOTS")), host: "h"))
        // A node that has never met another one does not know its own address.
        #expect(topology.masters == [master("h", port, 0...99, 101...16_383, id: id ?? "")])
        let info = try #require(ClusterInfo(try client.run("CLUSTER", "INFO").text ?? ""))
        #expect(info.slotsAssigned == 16_383 && info.slotsOK == 16_383 && info.knownNodes == 1 && info.size == 1)
    }
}

extension RESP.RedisValue {
    /// Converts what the client of the tests has read.
    init(_ value: TestSupport.RedisValue) {
        switch value {
        case .status(let text): self = .status(text)
        case .error(let text): self = .error(text)
        case .integer(let number): self = .integer(Int64(number))
        case .bulk(let bytes): self = .bulk(bytes)
        case .null: self = .nilValue
        case .array(let elements): self = .array(elements.map { .init($0) })
        }
    }
}
