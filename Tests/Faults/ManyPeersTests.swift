import TestSupport
import Testing

/// Large numbers of peers send nothing, too little, or too much. They are closed in time and cost little, and clients
/// that behave are served meanwhile.
@Suite struct ManyPeersTests {
    @Test func aThousandPeersThatStopInTheMiddleAreClosedWhileAGoodOneIsServed() throws {
        raiseDescriptorLimit()
        try withRelay(options: ["--hello-timeout", "1s", "--frame-timeout", "1s"]) { relay, redis in
            try relay.waitUntilAlone()
            let descriptors = relay.process.openDescriptors
            let peers = try (0..<1000).map { try IdlePeer(relay, kind: .init(rawValue: $0 % 4)!) }
            var open = peers[...]
            let deadline = TestDeadline()
            while !open.isEmpty, !deadline.isOver {
                // Another client connects and closes all the time, and does not have to wait.
                let good = try relay.client()
                try good.ping(within: 5)
                for peer in open where peer.kind == .dribbling { peer.dribble() }
                open = try open.filter { try !$0.hasEnded() }[...]
            }
            #expect(open.isEmpty, "\(open.count) are still there")
            #expect(peers.allSatisfy { $0.code == .timeout })
            #expect(try relay.metric("hubrelay_connections_closed_total{code=\"timeout\"}") == 1000)
            try relay.waitUntilAlone()
            try eventually("the descriptors are back") { relay.process.openDescriptors <= descriptors + 2 }
        }
    }

    @Test func beforeHelloAPeerCostsNextToNothing() throws {
        try withRelay { relay, redis in
            try relay.waitUntilAlone()
            let before = relay.process.residentBytes
            // As much of a frame as is allowed before Hello, except for the last byte.
            let half = lengthPrefix(4096) + [UInt8](repeating: 0x7a, count: 4095)
            let silent = try (0..<200).map { _ in try relay.connect() }
            for peer in silent { try peer.send(raw: half) }
            // Frames before Hello, as many as the kernel takes, and the peer reads nothing.
            let pings = [[UInt8]](repeating: HubrelayClientFrame.ping(id: 1).bytes, count: 20_000).flatMap { $0 }
            let floods = try (0..<50).map { _ in try relay.connect() }
            for peer in floods { _ = try? peer.socket.writeSome(pings[...]) }
            try relay.client().ping()
            let refused = "hubrelay_connections_closed_total{code=\"hello_expected\"}"
            try eventually("the floods are refused") { try relay.metric(refused) == 50 }
            try eventually("and closed") { try relay.metric("hubrelay_connections") == 200 }
            for peer in silent { try peer.socket.waitUntilPeerHasRead() }
            #expect(relay.process.residentBytes - before < 16 << 20)
        }
    }

    @Test func aThousandClientsReconnectAtOnce() throws {
        raiseDescriptorLimit()
        try withRelay { relay, redis in
            let names = (0..<1000).map { "own.\($0)" }
            func come() throws -> [TestConnection] {
                let clients = try names.map { _ in try relay.connect() }
                for (client, name) in zip(clients, names) {
                    try client.send(.hello(), .subscribe([name, "all"], id: 1))
                }
                for client in clients {
                    try client.expectWelcome()
                    #expect(try client.replyPuttingAside(id: 1).outcome == .ok)
                }
                return clients
            }
            _ = try relay.client()
            for client in try come() { client.socket.close() }
            // They connect again while the relay still releases what they held before.
            let clients = try come()
            #expect(try clients[0].publish("all", "welcome back").receivers == 1)
            for client in clients {
                #expect(try client.collect("the Message") { $0.message.channel == "all" }.count == 1)
            }
            let plain = try redis.client()
            let counts = try plain.run(["PUBSUB", "NUMSUB"] + names.map { "t:" + $0 }).array ?? []
            #expect(counts.count == 2000 && counts.compactMap(\.integer).allSatisfy { $0 == 1 })
            try eventually("only the new ones are there") { try relay.metric("hubrelay_connections") == 1000 }
            #expect(try relay.metric("hubrelay_subscriptions") == 2000)
        }
    }
}

/// A peer that begins to send, and does not finish.
private final class IdlePeer {
    enum Kind: Int {
        case silent, threeBytes, dribbling
        /// Has sent Hello, and then an incomplete frame.
        case midFrame
    }

    let kind: Kind
    private(set) var code = HubrelayCode.unspecified
    private let connection: TestConnection
    private var rest = HubrelayClientFrame.hello(name: String(repeating: "n", count: 60)).bytes[...]
    private var lastByte = TestDeadline.now

    init(_ relay: RelayProcess, kind: Kind) throws {
        self.kind = kind
        connection = try relay.connect()
        switch kind {
        case .silent, .dribbling: break
        case .threeBytes: try connection.send(raw: [0, 0, 0])
        case .midFrame:
            let half = HubrelayClientFrame.ping(id: 1).bytes.dropLast()
            try connection.send(raw: HubrelayClientFrame.hello().bytes + half)
        }
    }

    /// Sends another byte, if the last one was sent a while ago.
    func dribble() {
        guard TestDeadline.now - lastByte > 200_000_000, let byte = rest.popFirst() else { return }
        lastByte = TestDeadline.now
        // The relay may have closed the connection by now, as the test expects.
        _ = try? connection.socket.writeSome([byte][...])
    }

    func hasEnded() throws -> Bool {
        while let frame = try connection.nextIfAny(within: 0) {
            if case .error(let error) = frame.frame { code = error.code }
        }
        return connection.socket.atEnd
    }
}

extension RelayProcess {
    /// Waits until no connection is left, including that of the harness, which checked whether the relay listens.
    func waitUntilAlone() throws {
        try eventually("nobody is connected") { try metric("hubrelay_connections") == 0 }
    }
}
