import Testing

@testable import RelayCore

@Suite("CLUSTER INFO is read")
struct ClusterInfoTests {
    /// The answer of a redis-server 7.0.15.
    static let text = """
        cluster_state:ok
        cluster_slots_assigned:16384
        cluster_slots_ok:16384
        cluster_slots_pfail:0
        cluster_slots_fail:0
        cluster_known_nodes:6
        cluster_size:3
        cluster_current_epoch:7
        cluster_my_epoch:2
        cluster_stats_messages_ping_sent:22
        cluster_stats_messages_sent:54
        total_cluster_links_buffer_limit_exceeded:0

        """.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n")

    private func changed(_ field: String, _ value: String) -> ClusterInfo? {
        let lines = Self.text.split(separator: "\r\n").map { line in
            line.hasPrefix(field + ":") ? Substring("\(field):\(value)") : line
        }
        return ClusterInfo(lines.joined(separator: "\r\n"))
    }

    @Test("every field")
    func fields() throws {
        let info = try #require(ClusterInfo(Self.text))
        #expect(info.isOK && !info.isInMinority)
        #expect((info.slotsAssigned, info.slotsOK, info.slotsPfail, info.slotsFail) == (16_384, 16_384, 0, 0))
        #expect((info.knownNodes, info.size, info.currentEpoch) == (6, 3, 7))
        #expect(changed("cluster_slots_pfail", "5461")?.slotsPfail == 5_461)
        #expect(changed("cluster_slots_fail", "5462")?.slotsFail == 5_462)
        #expect(changed("cluster_current_epoch", "18446744073709551615")?.currentEpoch == .max)
        #expect(ClusterInfo(Self.text.split(separator: "\r\n").joined(separator: "\n")) == info)
    }

    @Test("a node that reaches no more than half of the slots is in a minority")
    func minority() throws {
        func info(_ state: String, _ ok: Int, of assigned: Int) throws -> Bool {
            let text = Self.text.replacing("cluster_state:ok", with: "cluster_state:\(state)")
                .replacing("cluster_slots_ok:16384", with: "cluster_slots_ok:\(ok)")
                .replacing("cluster_slots_assigned:16384", with: "cluster_slots_assigned:\(assigned)")
            return try #require(ClusterInfo(text)).isInMinority
        }
        #expect(try info("fail", 5_461, of: 16_384))
        #expect(try info("fail", 8_192, of: 16_384))
        #expect(try !info("fail", 8_193, of: 16_384))
        #expect(try !info("fail", 10_922, of: 16_384))
        #expect(try !info("ok", 5_461, of: 16_384))
        // Nobody has given slots to this node. It is not cut off in a partition: it does not belong to a cluster yet.
        #expect(try !info("fail", 0, of: 0))
    }

    @Test(
        "what is missing, or cannot be, makes it none",
        arguments: [
            ("cluster_state", "well"), ("cluster_state", ""), ("cluster_slots_assigned", "16385"),
            ("cluster_slots_ok", "-1"), ("cluster_slots_pfail", "many"), ("cluster_slots_fail", ""),
            ("cluster_known_nodes", "99999999999999999999"), ("cluster_known_nodes", "-6"), ("cluster_size", "3 "),
            ("cluster_current_epoch", "-1"), ("cluster_current_epoch", "18446744073709551616"),
        ])
    func malformed(field: String, value: String) {
        #expect(changed(field, value) == nil)
        let lines = Self.text.split(separator: "\r\n").filter { !$0.hasPrefix(field + ":") }
        #expect(ClusterInfo(lines.joined(separator: "\r\n")) == nil)
    }

    @Test(
        "a text that is none", arguments: ["", "\r\n", ":", "cluster_state:ok", "# Cluster\r\ncluster_enabled:1\r\n"])
    func none(text: String) { #expect(ClusterInfo(text) == nil) }
}
