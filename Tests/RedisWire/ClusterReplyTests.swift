import RESP
import RedisWire
import Testing

@Suite("What a large cluster says of itself is read with the usual limits")
struct ClusterReplyTests {
    private func read(_ reply: Resp) throws {
        let reading = Reading()
        try reading.feed(reply.bytes, inPiecesOf: 64 << 10)
        #expect(reading.events == [.reply(reply.value)])
    }

    @Test("CLUSTER SHARDS of 1,000 nodes")
    func shards() throws {
        let id = Resp.bulk(String(repeating: "0123456789", count: 4))
        let host = Resp.bulk("a-node-with-a-long-name.somewhere.example.com")
        let node = Resp.array([
            .bulk("id"), id, .bulk("port"), .integer(6379), .bulk("tls-port"), .integer(6380), .bulk("ip"), host,
            .bulk("endpoint"), host, .bulk("hostname"), host, .bulk("role"), .bulk("replica"),
            .bulk("replication-offset"), .integer(.max), .bulk("health"), .bulk("online"),
        ])
        // Of 500 consecutive slots, each belongs to another shard.
        let shards = (0..<500).map { shard in
            let slots = stride(from: Int64(shard), to: 16_384, by: 500)
            let ranges = slots.flatMap { [Resp.integer($0), .integer($0)] }
            return Resp.array([.bulk("slots"), .array(ranges), .bulk("nodes"), .array([node, node])])
        }
        try read(.array(shards))
    }

    @Test("CLUSTER SLOTS with a range for each slot, five replicas a master")
    func slots() throws {
        let id = Resp.bulk(String(repeating: "0123456789", count: 4))
        let host = Resp.bulk("a-node-with-a-long-name.somewhere.example.com")
        let node = Resp.array([host, .integer(6379), id, .array([.bulk("ip"), .bulk("2001:db8:1234:5678::1")])])
        let entries = (0..<16_384).map { slot in
            Resp.array([.integer(Int64(slot)), .integer(Int64(slot))] + [Resp](repeating: node, count: 6))
        }
        try read(.array(entries))
    }
}
