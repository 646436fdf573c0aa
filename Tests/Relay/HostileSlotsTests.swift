import RESP
import RedisWire
import RelayCore
import Testing

@testable import Relay

@Suite("Whatever a server says of its cluster, the relay goes on")
struct HostileSlotsTests {
    private static let id = String(repeating: "a", count: 40)
    private static let node = "*4 $1 h :1 $40 \(id) *0"

    @Test(
        "what makes no sense is no topology",
        arguments: [
            "+OK", "-ERR", ":1", "$-1", "*-1", "*1 *0", "*1 *2 :0 :1", "*1 :0", "*1 *3 :0 :1 *0", "*1 *3 :0 :1 :2",
            "*1 *3 $1 0 :1 \(node)", "*1 *3 :0 $1 1 \(node)", "*1 *3 :-1 :1 \(node)", "*1 *3 :0 :16384 \(node)",
            "*1 *3 :5 :4 \(node)", "*1 *3 :0 :9223372036854775807 \(node)", "*1 *3 :-9223372036854775808 :0 \(node)",
            // Ranges that overlap, within one node and between two.
            "*2 *3 :0 :5 \(node) *3 :5 :6 \(node)", "*2 *3 :0 :5 \(node) *3 :5 :6 *2 $1 g :1",
            // Ports.
            "*1 *3 :0 :1 *2 $1 h :-1", "*1 *3 :0 :1 *2 $1 h :65536",
            "*1 *3 :0 :1 *2 $1 h $1 1", "*1 *3 :0 :1 *2 $1 h :9223372036854775807", "*1 *3 :0 :1 *1 $1 h",
            // Hosts.
            "*1 *3 :0 :1 *2 :7 :1", "*1 *3 :0 :1 *2 $3 a/b :1", "*1 *3 :0 :1 *2 $1 \u{7f} :1",
            "*1 *3 :0 :1 *2 $2 \u{e9} :1", "*1 *3 :0 :1 *2 +h :1", "*1 *3 :0 :1 *2 *0 :1",
            "*1 *3 :0 :1 *2 $256 \(String(repeating: "h", count: 256)) :1",
            // Ids and metadata.
            "*1 *3 :0 :1 *3 $1 h :1 :2", "*1 *3 :0 :1 *3 $1 h :1 $1 \u{7}",
            "*1 *3 :0 :1 *3 $1 h :1 $65 \(String(repeating: "a", count: 65))", "*1 *3 :0 :1 *4 $1 h :1 $1 a :1",
            "*1 *3 :0 :1 *4 $1 h :1 $1 a *1 $2 ip", "*1 *3 :0 :1 *4 $1 ? :1 $1 a *2 $2 ip :5",
            "*1 *3 :0 :1 *4 $1 ? :1 $1 a *2 $2 ip $3 a/b",
            // Replicas.
            "*1 *4 :0 :1 \(node) :1", "*1 *4 :0 :1 \(node) *2 $3 a/b :1", "*1 *4 :0 :1 \(node) *1 $1 h",
        ])
    func malformed(words: String) throws {
        #expect(ClusterTopology(slots: try reply(words), host: "h") == nil)
    }

    @Test("what only goes beyond our needs is read all the same")
    func beyond() throws {
        let some = "*1 *4 :0 :1 *5 $1 h :1 $1 a *4 $3 new :5 $2 ip $1 i $6 future *2 $1 r :0"
        let topology = try #require(ClusterTopology(slots: try reply(some), host: "h"))
        #expect(topology.masters.map(\.address) == [address("h", 1)])
        // A replica without a port for our kind of connection.
        #expect(topology.others.isEmpty)
        #expect(ClusterTopology(slots: try reply("*0"), host: "h")?.masters.isEmpty == true)
    }

    @Test("a master that has no port for connections like ours leaves its slots to nobody")
    func withoutPort() throws {
        let words = "*2 *3 :0 :1 *2 $1 h :0 *3 :2 :5 *2 $1 h :7"
        let topology = try #require(ClusterTopology(slots: try reply(words), host: "h"))
        #expect(topology.masters.map(\.address) == [address("h", 7)] && topology.slotCount == 4)
    }

    @Test("more ranges than slots")
    func tooMany() {
        let entry = RedisValue.array([.integer(0), .integer(0), .array([.bulk([0x68]), .integer(1)])])
        #expect(ClusterTopology(slots: .array([RedisValue](repeating: entry, count: 16_385)), host: "h") == nil)
    }

    @Test("random values in all places", arguments: 0..<20 as Range<UInt64>)
    func random(seed: UInt64) throws {
        var generator = SeededGenerator(state: seed)
        var understood = 0
        for _ in 0..<300 {
            let value = generator.slots()
            guard let topology = ClusterTopology(slots: value, host: "h") else { continue }
            understood += 1
            for master in topology.masters {
                #expect(!master.slots.isEmpty && master.address.port > 0)
                #expect(ClusterTopology.Address.isHost(master.address.host))
                #expect(topology.owner(of: master.slots[0].upperBound) == master)
            }
        }
        // Otherwise only the very first check would be tested.
        #expect(understood > 30 && understood < 270)
    }
}

/// SplitMix64, so that a failure can be repeated.
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    private mutating func oneIn(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &self) == 0 }

    /// A reply that mostly looks like a real one, with arbitrary values in some places now and then.
    mutating func slots() -> RedisValue {
        var start: Int64 = 0
        let entries = (0..<Int.random(in: 0...6, using: &self)).map { _ in
            let first = start + Int64.random(in: 0...10, using: &self)
            let last = first + Int64.random(in: 0...4_000, using: &self)
            start = last + (oneIn(20) ? 0 : 1)
            let nodes = (0..<Int.random(in: 1...3, using: &self)).map { _ in node() }
            return odd(.array([odd(.integer(first)), odd(.integer(last))] + nodes))
        }
        return odd(.array(entries))
    }

    private mutating func node() -> RedisValue {
        let hosts: [RedisValue] = [
            .bulk(Array("h".utf8)), .bulk(Array("::1".utf8)), .nilValue, .bulk([]), .bulk([0x3f]),
        ]
        let port = Int64.random(in: 1...65_535, using: &self)
        var parts = [odd(hosts.randomElement(using: &self)!), odd(.integer(port)), odd(.bulk(Array("id".utf8)))]
        let metadata: [RedisValue] = oneIn(2) ? [] : [odd(.bulk(Array("ip".utf8))), odd(.bulk(Array("10.0.0.1".utf8)))]
        parts.append(odd(.array(metadata)))
        return odd(.array(Array(parts.prefix(oneIn(10) ? Int.random(in: 0...4, using: &self) : 4))))
    }

    private mutating func odd(_ value: RedisValue) -> RedisValue {
        guard oneIn(60) else { return value }
        let length = Int.random(in: 0...300, using: &self)
        let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &self) }
        let values: [RedisValue] = [
            .nilValue, .integer(.random(in: .min ... .max, using: &self)),
            .integer(.random(in: -3...70_000, using: &self)),
            .bulk(bytes), .status("x"), .error("ERR"), .array([]), .array([value]), .array([value, value]),
        ]
        return values.randomElement(using: &self)!
    }
}
