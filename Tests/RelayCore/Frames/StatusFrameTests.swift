import SwiftProtobuf
import TestSupport
import Testing

@testable import RelayCore

extension SeededGenerator {
    mutating func relayStatus() -> RelayStatus {
        var status = RelayStatus()
        status.state = pick([.up, .degraded, .down, .stopping])
        status.reason = text(0...30)
        status.sinceUnixMilliseconds = number()
        status.outages = number()
        status.downMilliseconds = number()
        status.publishing = oneIn(2)
        status.receiving = oneIn(2)
        status.gaps = number()
        status.cause = pick(Cause.allCases)
        return status
    }
}

private func oracle(_ status: RelayStatus) -> HubrelayStatus {
    .with {
        $0.state = HubrelayState(rawValue: Int(status.state.rawValue))!
        $0.reason = status.reason
        $0.sinceUnixMs = status.sinceUnixMilliseconds
        $0.outages = status.outages
        $0.downMs = status.downMilliseconds
        $0.publishing = status.publishing
        $0.receiving = status.receiving
        $0.gaps = status.gaps
        $0.cause = HubrelayCause(rawValue: Int(status.cause.rawValue))!
    }
}

@Suite struct StatusFrameTests {
    @Test(arguments: seeds(2))
    func statusesAndWelcomes(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var arena = Arena()
        for _ in 0..<500 {
            let status = random.relayStatus()
            try expect(arena.status(status), .with { $0.status = oracle(status) })
            let identity = RelayIdentity(
                version: random.text(0...10), id: random.text(0...20), maxPayloadBytes: random.int(0...(1 << 30)),
                features: (0..<random.int(0...3)).map { _ in random.text(1...10) })
            try expect(
                arena.welcome(identity, status: status),
                .with {
                    $0.welcome.version = 1
                    $0.welcome.relayVersion = identity.version
                    $0.welcome.relayID = identity.id
                    $0.welcome.maxFrameBytes = UInt32(identity.maxPayloadBytes) + 4096
                    $0.welcome.maxPayloadBytes = UInt32(identity.maxPayloadBytes)
                    $0.welcome.status = oracle(status)
                    $0.welcome.features = identity.features
                })
        }
    }
}
