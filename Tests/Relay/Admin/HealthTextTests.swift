import Testing

@testable import Relay
@testable import RelayCore

@Suite("/health of a relay, as it is in one state or another")
struct HealthTextTests {
    /// A relay that has been UP for two and a half seconds, with one Redis and without any traffic.
    private var up: RelaySnapshot {
        var snapshot = RelaySnapshot()
        snapshot.relayID = "0123456789abcdef"
        (snapshot.prefix, snapshot.process.pid) = ("chat:", 4711)
        snapshot.process.uptime = 2_500_000_000
        snapshot.reloads = ReloadRecord(startedAt: 1_700_000_000_000)
        snapshot.status.state = .up
        snapshot.status.sinceUnixMilliseconds = 1_700_000_000_123
        (snapshot.status.publishing, snapshot.status.receiving) = (true, true)
        snapshot.probe.roundTrip = 250_000
        for purpose in [RelaySnapshot.Link.Purpose.publish, .subscribe] {
            snapshot.links.append(
                .init(purpose: purpose, address: "redis://127.0.0.1:6379", isUp: true, roundTrip: 125_000))
        }
        snapshot.socket.path = "/run/hubrelay/hubrelay.sock"
        return snapshot
    }

    @Test func upWithOneRedis() {
        #expect(up.isHealthy)
        #expect(
            up.healthText == """
                {"status":"up","version":"0.2.0","relay_id":"0123456789abcdef","pid":4711,"prefix":"chat:",\
                "uptime_seconds":2.5,"since":"2023-11-14T22:13:20.123Z","reason":"","cause":"","publishing":true,"receiving":true,\
                "outages":0,"outage_seconds":0.0,"gaps":0,\
                "probe":{"enabled":true,"round_trip_seconds":0.00025,"under_way_seconds":null},\
                "role_check":{"enabled":true},\
                "links":[{"name":"publish","address":"redis://127.0.0.1:6379","up":true,"round_trip_seconds":0.000125},\
                {"name":"subscribe","address":"redis://127.0.0.1:6379","up":true,"round_trip_seconds":0.000125}],\
                "socket":{"path":"/run/hubrelay/hubrelay.sock","reachable":true},\
                "reload":{"count":0,"successful":true,"succeeded":"2023-11-14T22:13:20.000Z"},\
                "connections":0,"subscriptions":0,"names":0,"buffered_bytes":0,"log_lines_dropped":0,\
                "publishes":{"ok":0,"not_connected":0,"interrupted":0,"refused":0,"invalid":0,\
                "unacknowledged_lost":{},"in_flight":0},\
                "messages":{"received":0,"skipped":0,"delivered":0,"lost":{}}}

                """)
    }

    @Test func downWithACause() throws {
        var snapshot = up
        snapshot.status.state = .down
        (snapshot.status.publishing, snapshot.status.receiving) = (false, false)
        (snapshot.status.cause, snapshot.status.reason) = (.auth, "redis: \"no\"\n")
        (snapshot.status.outages, snapshot.status.gaps, snapshot.outageTime) = (2, 3, 1_500_000_000)
        snapshot.links[0].isUp = false
        snapshot.links[0].failure = LinkFailure(cause: .auth, reason: "no")
        #expect(!snapshot.isHealthy)
        let text = snapshot.healthText
        #expect(text.contains(#""reason":"redis: \"no\"\n","cause":"auth","advice":"\#(Cause.auth.advice)","#))
        #expect(text.contains(#","publishing":false,"receiving":false,"#))
        #expect(text.contains(#""outages":2,"outage_seconds":1.5,"gaps":3"#))
        #expect(text.contains(#""up":false,"round_trip_seconds":0.000125,"cause":"auth","reason":"no"},{"#))
    }

    @Test func itIsUnhealthyWhileNoAppCanConnect() {
        var snapshot = up
        (snapshot.socket.isReachable, snapshot.socket.problem) = (false, "another program has it")
        #expect(!snapshot.isHealthy)
        #expect(
            snapshot.healthText.contains(
                #""socket":{"path":"/run/hubrelay/hubrelay.sock","reachable":false,"reason":"another program has it"}"#
            ))
        #expect(snapshot.healthText.contains(#""status":"up""#))
    }

    @Test func aReloadThatFailed() {
        var snapshot = up
        snapshot.reloads.asked(passwords: ["no \"p\""], certificates: "no c", at: 1)
        #expect(snapshot.isHealthy, "what was read before is in use")
        #expect(
            snapshot.healthText.contains(
                #"""
                "reload":{"count":1,"successful":false,"succeeded":"2023-11-14T22:13:20.000Z",\#
                "problems":["no \"p\"","no c"]}
                """#))
    }

    @Test(arguments: [State.degraded, .down, .stopping]) func onlyUpIsHealthy(state: State) {
        var snapshot = up
        snapshot.status.state = state
        #expect(!snapshot.isHealthy)
    }

    @Test func whatTheServerRefusesAndWhatItTakes() throws {
        var snapshot = up
        snapshot.links[1].tlsVersion = "TLSv1.3"
        snapshot.links[1].shortenedHeartbeat = 500_000_000
        snapshot.links[1].fallbacks = [
            .init(step: .setName, text: "NOPERM"), .init(step: .role, text: "ERR unknown command"),
        ]
        snapshot.probe = .init(isEnabled: false, unavailable: "NOPERM", roundTrip: nil, underWay: 2_000_000)
        snapshot.roleUnavailable = "ERR unknown command"
        var limit = PayloadLimit(own: 1 << 20, prefix: 0)
        limit.established([.bulkLimit: 65536])
        snapshot.payloadLimit = limit
        let text = snapshot.healthText
        #expect(
            text.contains(
                #"""
                "up":true,"tls":"TLSv1.3","round_trip_seconds":0.000125,"heartbeat_seconds":0.5,\#
                "refused":{"CLIENT SETNAME":"NOPERM","ROLE":"ERR unknown command"}}]
                """#))
        #expect(
            text.contains(
                #""probe":{"enabled":false,"unavailable":"NOPERM","round_trip_seconds":null,"under_way_seconds":0.002}"#
            ))
        #expect(text.contains(#""role_check":{"enabled":false,"unavailable":"ERR unknown command"}"#))
        #expect(text.contains(#""payload_limit":{"bytes":65536,"setting":"proto-max-bulk-len"},"publishes""#))
    }

    @Test func sentinels() {
        var snapshot = up
        #expect(!snapshot.healthText.contains("sentinel"))
        snapshot.sentinels = .init(
            disagree: true,
            all: [
                .init(address: "10.0.0.1:26379", isConnected: true, isOfUse: true, master: ("10.0.0.9:6379", 7)),
                .init(
                    address: "10.0.0.2:26379", isConnected: false, isOfUse: false,
                    failure: LinkFailure(cause: .unreachable, reason: "sentinel 10.0.0.2:26379: nobody is there")),
            ])
        #expect(
            snapshot.healthText.contains(
                #"""
                "sentinels_disagree":true,"sentinels":[\#
                {"address":"10.0.0.1:26379","up":true,"master":"10.0.0.9:6379","epoch":7},\#
                {"address":"10.0.0.2:26379","up":false,"cause":"unreachable",\#
                "reason":"sentinel 10.0.0.2:26379: nobody is there"}],"socket"
                """#))
    }

    @Test func aClusterWithSlotsAway() {
        var snapshot = up
        snapshot.cluster = .init(
            pubsub: "sharded", isTold: true, asked: "10.0.0.1:7000", topology: (12, 3, 6), connectedMembers: 2,
            slotsAway: 4,
            slots: .init(
                inUse: 16,
                nodes: [
                    .init(
                        address: "redis://10.0.0.1:7000", slots: 12, publishing: true, receiving: true, roundTrip: 1000),
                    .init(address: "redis://10.0.0.2:7000", slots: 4, publishing: false, receiving: true),
                ]))
        #expect(
            snapshot.healthText.contains(
                #"""
                "cluster":{"pubsub":"sharded","asked":"10.0.0.1:7000","epoch":12,"masters":3,"members":6,\#
                "slots_in_use":16,"slots_away":4,"nodes":[\#
                {"address":"redis://10.0.0.1:7000","slots":12,"publishing":true,"receiving":true,\#
                "round_trip_seconds":1e-06},\#
                {"address":"redis://10.0.0.2:7000","slots":4,"publishing":false,"receiving":true,\#
                "round_trip_seconds":null}]},"socket"
                """#))
    }

    @Test func aClusterOfWhichNothingIsKnown() {
        var snapshot = up
        snapshot.cluster = .init(
            pubsub: "classic", isTold: false, failure: LinkFailure(cause: .topology, reason: "it is none"))
        #expect(
            snapshot.healthText.contains(#""cluster":{"pubsub":"classic","cause":"topology","reason":"it is none"},"#))
    }

    @Test func whatWasCounted() {
        let counters = Counters()
        (counters.publishes[.ok], counters.publishesUnacknowledged, counters.publishes[.refused]) = (3, 4, 5)
        (counters.publishesLost[.closed], counters.publishesLost[.invalid]) = (6, 7)
        (counters.messagesReceived, counters.oddMessages, counters.messagesDelivered) = (8, 9, 10)
        counters.messagesLost[.slowReader] = 11
        var snapshot = up
        snapshot.counts = .init(counters)
        snapshot.publishesInFlight = 12
        (snapshot.connections, snapshot.subscriptions, snapshot.names) = (13, 14, 15)
        (snapshot.bufferedBytes, snapshot.process.logLinesDropped) = (16, 17)
        #expect(
            snapshot.healthText.hasSuffix(
                #"""
                "connections":13,"subscriptions":14,"names":15,"buffered_bytes":16,"log_lines_dropped":17,\#
                "publishes":{"ok":7,"not_connected":0,"interrupted":0,"refused":5,"invalid":0,\#
                "unacknowledged_lost":{"invalid":7,"closed":6},"in_flight":12},\#
                "messages":{"received":8,"skipped":9,"delivered":10,"lost":{"slow_reader":11}}}

                """#))
    }
}
