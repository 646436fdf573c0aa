import Testing

@testable import RelayCore

@Suite struct IdleLimitTests {
    @Test(arguments: [(1, 500), (2, 1000), (300, 1000), (0, 1000), (nil, 1000)] as [(UInt64?, Int)])
    func theServersOwnLimitShortensTheHeartbeat(timeout: UInt64?, milliseconds: Int) {
        var limit = IdleLimit(heartbeat: 1000.ms)
        limit.established(told: timeout)
        #expect(limit.heartbeat == milliseconds.ms)
        limit.established(told: 0)
        #expect(limit.heartbeat == 1000.ms, "another word counts")
    }

    @Test func theSecondEndAfterASilenceShortensIt() {
        var limit = IdleLimit(heartbeat: 1000.ms)
        #expect(limit.closed(after: 900.ms) == nil && limit.heartbeat == 1000.ms, "it may have been a restart")
        #expect(limit.closed(after: 800.ms)?.contains("400 ms") == true && limit.heartbeat == 400.ms)
        #expect(limit.closed(after: 300.ms) != nil && limit.heartbeat == 150.ms)
        for _ in 0..<9 { _ = limit.closed(after: 1000.ms) }
        #expect(limit.heartbeat == 125.ms, "not for ever")
    }

    @Test func otherEndsDoNot() {
        var limit = IdleLimit(heartbeat: 1000.ms)
        for _ in 0..<9 {
            _ = limit.closed(after: 900.ms)
            limit.failed()
            _ = limit.closed(after: 900.ms)
            _ = limit.closed(after: 100.ms)
        }
        #expect(limit.heartbeat == 1000.ms)
    }

    @Test func theLinkPingsInTime() {
        var link = Link(publishesUnder: "t:")
        _ = link.converse { $0 == .idleLimit ? .setting("1") : $0.goodAnswer }
        #expect(link.tick(499) == .none)
        #expect(link.tick(500) == .ping)
    }
}

@Suite struct PayloadLimitTests {
    private func limit() -> PayloadLimit { PayloadLimit(own: 8 << 20, prefix: 2) }

    @Test func theLeastOfTheServersSettingsCounts() {
        var limit = limit()
        limit.established([.bulkLimit: 4 << 20, .bufferLimit: 2 << 20])
        #expect(limit.bytes == 2 << 20 - 2 && limit.fault.contains("client-query-buffer-limit") && limit.isOfServer)
        limit.established([.bulkLimit: 1 << 20, .bufferLimit: 1 << 30])
        #expect(limit.bytes == 1 << 20 && limit.fault.contains("proto-max-bulk-len"))
        limit.established([.bulkLimit: 512 << 20, .bufferLimit: 1 << 30])
        #expect(limit.bytes == 8 << 20 && !limit.isOfServer && limit.fault == "payload is over 8388608 bytes")
    }

    @Test func aCommandAtWhichItEndedIsTriedAndItsSizeRefused() {
        var limit = limit()
        limit.closed(largest: 5_000_000)
        #expect(limit.suspect == 5_000_000 && limit.bytes == 8 << 20, "it may have been anything else")
        limit.trialEnded(isClosed: true)
        #expect(limit.suspect == nil && limit.bytes < 5_000_000 && limit.bytes > 4_990_000)
        #expect(limit.fault.contains("proto-max-bulk-len"))
        limit.established([:])
        #expect(limit.bytes < 5_000_000, "the next connection is to the same server")
        limit.forget()
        #expect(limit.bytes == 8 << 20)
    }

    @Test func aCommandThatIsTakenIsNotSuspectedAnyMore() {
        var limit = limit()
        limit.closed(largest: 5_000_000)
        limit.established([:])
        #expect(limit.suspect == nil && limit.bytes == 8 << 20)
        limit.closed(largest: 5_000_000)
        limit.trialEnded(isClosed: false)
        limit.closed(largest: 1000)
        #expect(limit.suspect == nil && limit.bytes == 8 << 20)
    }

    @Test func itIsFoundInFewSteps() {
        var limit = limit()
        var steps = 0
        while limit.bytes > 100_000 {
            limit.refused(command: limit.bytes)
            steps += 1
        }
        #expect(steps <= 8)
    }
}
