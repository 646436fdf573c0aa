import Testing

@testable import RelayCore

/// The oldest unanswered command has an age. Incoming bytes alone do not make a link live for ever.
@Suite struct AnswerClockTests {
    private func reason(_ action: LinkMachine.Action) -> String? {
        guard case .fail(let failure) = action, failure.cause == .timeout else { return nil }
        return failure.reason
    }

    // MARK: The publish link, which hears nothing but answers

    @Test func bytesThatAnswerNothingAreNoSignOfLifeOnAPublishLink() {
        var link = Link.established(at: 0, evidence: .answers)
        link.ask(3)
        #expect(link.look(1000) == .none)
        for now in stride(from: 1100, to: 6000, by: 100) {
            link.machine.heard(now: now.ms)
            link.ask()
            #expect(link.look(now) == .none)
        }
        link.machine.heard(now: 6000.ms)
        #expect(link.look(6000) == .none, "the socket is looked at once more")
        link.machine.heard(now: 6001.ms)
        #expect(reason(link.look(6001)) == "no answer for 5000 ms")
    }

    /// If the server goes on answering, commands that wait are not a failure.
    @Test func answersThatComeSlowlyAreLag() {
        var link = Link.established(at: 0, evidence: .answers)
        link.ask(10)
        for now in stride(from: 0, through: 40_000, by: 4000) {
            #expect(link.look(now) == .none && link.look(now + 3900) == .none)
            link.machine.heard(now: (now + 3950).ms)
            link.answer()
            link.ask()
        }
    }

    @Test func anAnswerThatTheSecondLookFindsIsInTime() {
        var link = Link.established(at: 0, evidence: .answers)
        link.ask(2)
        _ = link.look(0)
        #expect(link.look(5000) == .none)
        link.answer()
        #expect(link.look(5001) == .none)
        #expect(link.look(10_000) == .none)
        #expect(link.look(10_001) == .none)
        #expect(reason(link.look(10_002)) != nil)
    }

    /// Each command is answered in the end, but later and later: more commands wait before it than the server can do.
    @Test func noCommandWaitsForLongerThanTwelveTimesTheDeadline() {
        var link = Link.established(at: 0, evidence: .answers)
        link.ask(1000)
        #expect(link.look(1000) == .none)
        for now in stride(from: 2000, through: 60_000, by: 1000) {
            link.answer()
            link.ask(2)
            #expect(link.look(now) == .none)
        }
        #expect(link.look(61_000) == .none)
        #expect(reason(link.look(61_001))?.contains("60000 ms") == true)
    }

    @Test func whatWasAskedAfterItHasItsOwnAge() {
        var link = Link.established(at: 0, evidence: .answers)
        link.ask(10)
        _ = link.look(1000)
        for now in stride(from: 2000, through: 200_000, by: 1000) {
            link.answer()
            link.ask()
            #expect(link.look(now) == .none, "ten are always under way, and each takes ten seconds")
        }
    }

    // MARK: The other links, which hear more

    @Test func messagesInFrontOfAnAnswerAreLagAndAnotherPingFollows() {
        var link = Link.established(at: 0)
        link.ask()
        _ = link.look(1000)
        var pings: [Int] = []
        var now = 1000
        while reason(link.look(now)) == nil, now < 100_000 {
            now += 500
            link.machine.heard(now: now.ms)
            guard link.look(now) == .ping else { continue }
            link.ask()
            pings.append(now)
        }
        #expect(Array(pings.prefix(3)) == [6000, 11_000, 16_000])
        #expect(now == 61_000, "found out at \(now)")
    }

    @Test func messagesAloneDoNotProveThatALinkAnswers() {
        var link = Link.established(at: 0)
        for now in stride(from: 500, to: 5000, by: 500) {
            link.machine.heard(now: now.ms)
            #expect(link.look(now) == .none)
        }
        link.machine.heard(now: 5000.ms)
        #expect(link.look(5000) == .ping)
        link.ask()
        link.answer()
        #expect(link.look(5001) == .none)
        for now in stride(from: 5500, to: 10_000, by: 500) {
            link.machine.heard(now: now.ms)
            #expect(link.look(now) == .none)
        }
        link.machine.heard(now: 10_001.ms)
        #expect(link.look(10_001) == .ping)
    }

    /// 64 MiB at a quarter of a MiB a second: it takes 256 s.
    @Test func aLargePayloadIsAliveWhileItsBytesCome() {
        var link = Link.established(at: 0)
        link.ask()
        var now = 0
        for step in 0...1023 {
            now = step * 250
            link.machine.heard(now: now.ms)
            #expect(reason(link.look(now, unfinished: step << 16)) == nil, "\(now) ms")
        }
        link.answer()
        #expect(link.look(now, unfinished: 0) == .none)
    }

    @Test func aReplyThatNeverEndsIsGivenUp() {
        var link = Link.established(at: 0)
        link.ask()
        var now = 0
        while reason(link.look(now, unfinished: now * 10)) == nil, now < 1_000_000 {
            now += 250
            link.machine.heard(now: now.ms)
        }
        // 600 kB come in 60 s, which is too little to allow for more time.
        #expect(now == 60_250, "found out at \(now)")
        link = Link.established(at: 0)
        link.ask()
        now = 0
        while reason(link.look(now, unfinished: now * 1000)) == nil, now < 1_000_000 {
            now += 250
            link.machine.heard(now: now.ms)
        }
        #expect(now == 76 * 5000 + 250, "64 MiB are the most that is allowed for")
    }

    @Test func forgivenTimeCountsForNoneOfThem() {
        var link = Link.established(at: 0, evidence: .answers)
        link.ask(1000)
        _ = link.look(1000)
        for now in stride(from: 2000, through: 60_000, by: 1000) {
            link.answer()
            _ = link.look(now)
        }
        link.machine.forgive(30_000.ms, now: 90_000.ms)
        for now in stride(from: 90_000, through: 90_999, by: 333) { #expect(link.look(now) == .none) }
        link.answer()
        #expect(link.look(91_000) == .none)
        #expect(reason(link.look(91_001))?.contains("60000 ms") == true)
    }

    // MARK: The greeting

    @Test func bytesThatAnswerNothingDoNotKeepAGreetingAlive() {
        var link = Link()
        link.connect(0)
        _ = link.machine.connected(now: 0, secret: nil)
        _ = link.machine.greeted(.status("OK"), now: 3000.ms)
        for now in stride(from: 3100, to: 8000, by: 100) {
            link.machine.heard(now: now.ms)
            #expect(link.look(now) == .none)
        }
        #expect(link.look(8000) == .none)
        #expect(reason(link.look(8001)) != nil)
    }
}
