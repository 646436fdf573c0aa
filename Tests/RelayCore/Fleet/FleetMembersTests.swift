import TestSupport
import Testing

@testable import RelayCore

/// Which relays are heard, for how long, and when a relay announces itself.
@Suite struct FleetMembersTests {
    private let second: UInt64 = 1_000_000_000
    private var random = SeededGenerator(seed: 5)

    private func makeFleet(_ id: String = "self") -> Fleet {
        let fleet = Fleet(own: announcement(id), interval: 30 * second)
        fleet.isHearing(true, now: 0)
        return fleet
    }

    private func announcement(_ id: String, _ state: State = .up, interval: UInt64 = 30_000) -> Announcement {
        Announcement(
            relayID: id, host: "host", version: "1", socket: "s", state: state, intervalMilliseconds: interval)
    }

    private func hear(_ fleet: Fleet, _ announcement: Announcement, at now: UInt64) {
        announcement.bytes.withUnsafeBytes { fleet.heard($0, now: now) }
    }

    private func status(_ state: State, _ cause: Cause = .unspecified) -> RelayStatus {
        var status = RelayStatus()
        (status.state, status.cause) = (state, cause)
        return status
    }

    /// The times from `from` to `until` at which the relay announces itself, in nanoseconds. Asked four times a second.
    private mutating func times(_ fleet: Fleet, _ status: RelayStatus, from: UInt64, until: UInt64) -> [UInt64] {
        var times: [UInt64] = []
        for now in stride(from: from, to: until, by: Int(second / 4))
        where fleet.isDue(status, isAble: true, now: now, using: &random) {
            times.append(now)
            fleet.announces(now: now, using: &random)
        }
        return times
    }

    // MARK: Hearing

    @Test func othersCountWhileTheyAreHeard() {
        let fleet = makeFleet()
        #expect(fleet.relays(now: 0) == 1)
        hear(fleet, announcement("a"), at: 10 * second)
        hear(fleet, announcement("b"), at: 11 * second)
        hear(fleet, announcement("self"), at: 12 * second)
        #expect(fleet.relays(now: 12 * second) == 3)
        // Three announcements, one every 30 s, are missing, and one more second has passed.
        #expect(fleet.relays(now: 101 * second) == 3)
        #expect(fleet.relays(now: 101 * second + 1) == 2)
        #expect(fleet.members.map { fleet.isSilent($0, now: 101 * second + 1) } == [true, false])
        hear(fleet, announcement("a"), at: 101 * second)
        #expect(fleet.relays(now: 101 * second) == 3 && fleet.members.count == 2)
    }

    @Test func whoLeavesIsGoneAtOnce() {
        let fleet = makeFleet()
        for id in ["a", "b", "c"] { hear(fleet, announcement(id), at: second) }
        hear(fleet, announcement("a", .stopping), at: 2 * second)
        hear(fleet, announcement("unknown", .stopping), at: 2 * second)
        #expect(fleet.members.map(\.announcement.relayID) == ["c", "b"])
        // The member that was moved to the free place is found by its own id.
        hear(fleet, announcement("c", .stopping), at: 3 * second)
        hear(fleet, announcement("b", .down), at: 3 * second)
        #expect(fleet.members.map(\.announcement.state) == [.down])
    }

    @Test func whoIsSilentIsForgottenAfterAnHour() {
        var copy = self
        let fleet = makeFleet()
        hear(fleet, announcement("a"), at: 0)
        _ = copy.times(fleet, status(.up), from: 3599 * second, until: 3600 * second)
        #expect(fleet.members.count == 1)
        _ = copy.times(fleet, status(.up), from: 3601 * second, until: 3700 * second)
        #expect(fleet.members.isEmpty)
    }

    @Test func whoHearsNobodyCallsNobodySilent() {
        var copy = self
        let fleet = makeFleet()
        hear(fleet, announcement("a"), at: 10 * second)
        fleet.isHearing(false, now: 20 * second)
        #expect(fleet.relays(now: 9000 * second) == 2)
        _ = copy.times(fleet, status(.up), from: 8990 * second, until: 9000 * second)
        #expect(fleet.members.count == 1, "nor is it forgotten")
        fleet.isHearing(true, now: 9000 * second)
        fleet.isHearing(true, now: 9001 * second)
        // Ten of the 91 s had passed.
        #expect(fleet.relays(now: 9081 * second) == 2 && fleet.relays(now: 9081 * second + 1) == 1)
    }

    @Test func ourOwnStandstillIsNobodysSilence() {
        let fleet = makeFleet()
        hear(fleet, announcement("a"), at: 10 * second)
        fleet.forgive(50 * second, now: 100 * second)
        #expect(fleet.relays(now: 151 * second) == 2 && fleet.relays(now: 151 * second + 1) == 1)
        hear(fleet, announcement("a"), at: 160 * second)
        fleet.forgive(50 * second, now: 170 * second)
        #expect(fleet.members[0].heardAt == 170 * second)
    }

    /// Whatever interval a relay claims, it is silent after an hour, unless the fleet is large.
    @Test func whoClaimsALongIntervalIsGoneAfterAnHourAllTheSame() {
        var copy = self
        let fleet = makeFleet()
        hear(fleet, announcement("a", interval: 1_209_600_000), at: 0)
        #expect(fleet.relays(now: 3601 * second) == 2 && fleet.relays(now: 3601 * second + 1) == 1)
        _ = copy.times(fleet, status(.up), from: 3602 * second, until: 3700 * second)
        #expect(fleet.members.isEmpty)
        for number in 0..<2000 { hear(fleet, announcement("\(number)", interval: 2_000_000), at: 4000 * second) }
        #expect(fleet.relays(now: 9900 * second) == 2001)
    }

    @Test func noMoreThanTenThousandAreTakenIn() {
        let fleet = makeFleet()
        for number in 0..<10_001 { hear(fleet, announcement("\(number)"), at: second) }
        #expect(fleet.members.count == 10_000 && fleet.members.last?.announcement.relayID == "9999")
        hear(fleet, announcement("3", .degraded), at: second)
        #expect(fleet.members[3].announcement.state == .degraded)
    }

    @Test func whatIsNoAnnouncementIsPassedOver() {
        let fleet = makeFleet()
        for bytes: [UInt8] in [[], [0xff], Array("hello".utf8), Array(announcement("a").bytes.dropLast())] {
            bytes.withUnsafeBytes { fleet.heard($0, now: second) }
        }
        let padded = announcement("a").bytes + [0x5a, 0xff, 0x0f] + [UInt8](repeating: 65, count: 2047)
        padded.withUnsafeBytes { fleet.heard($0, now: second) }
        #expect(fleet.members.isEmpty)
    }

    // MARK: Speaking

    @Test func aRelayAnnouncesItselfSoonAndThenInItsInterval() {
        for seed in UInt64(1)...20 {
            var copy = self
            copy.random = SeededGenerator(seed: seed)
            let times = copy.times(makeFleet(), status(.up), from: 100 * second, until: 400 * second)
            #expect(times[0] < 106 * second)
            for (one, next) in zip(times, times.dropFirst()) {
                #expect((24 * second...(36 * second + second / 4)).contains(next - one))
            }
        }
    }

    @Test func ofAHundredEachDoesSoLessOften() {
        var copy = self
        let fleet = makeFleet()
        for number in 1..<100 { hear(fleet, announcement("\(number)", interval: 100_000), at: second) }
        #expect((100 * second...101 * second).contains(fleet.ownInterval(now: 20 * second)))
        let times = copy.times(fleet, status(.up), from: 20 * second, until: 290 * second)
        for (one, next) in zip(times, times.dropFirst()) {
            #expect((80 * second...121 * second).contains(next - one))
        }
        let said = fleet.announcement(status(.up), roundTrip: 1_234_567, connections: 8, now: 300 * second)
        #expect(100_000...101_000 ~= said.intervalMilliseconds)
        #expect(said.roundTripMicroseconds == 1234 && said.connections == 8)
    }

    /// A relay reports a change at a random moment. So if many relays see the same change, about one speaks each
    /// second.
    @Test(arguments: [0, 20]) func changesAreToldSoon(others: Int) {
        var late = 0
        for seed in UInt64(1)...40 {
            var copy = self
            copy.random = SeededGenerator(seed: seed)
            let fleet = makeFleet()
            let start = copy.times(fleet, status(.up), from: 0, until: 10 * second)[0]
            for number in 0..<others { hear(fleet, announcement("\(number)"), at: start - start / 2) }
            let told = copy.times(
                fleet, status(.degraded, .timeout), from: start + 12 * second, until: start + 50 * second)[0]
            #expect(told <= start + (13 + UInt64(others)) * second + second / 4 || told <= start + 37 * second)
            if told > start + 14 * second { late += 1 }
        }
        #expect(others == 0 ? late == 0 : late > 20)
    }

    @Test func whoCannotSpeakDoesSoWhenItCan() {
        var copy = self
        let fleet = makeFleet()
        for now in stride(from: 0, to: 100 * second, by: Int(second)) {
            #expect(!fleet.isDue(status(.down), isAble: false, now: now, using: &copy.random))
        }
        #expect(copy.times(fleet, status(.up), from: 100 * second, until: 106 * second).count == 1)
        // If nothing has changed, and the announcement is long overdue, not all relays speak in the same moment.
        for number in 1..<30 { hear(fleet, announcement("\(number)", interval: 1_000_000), at: 106 * second) }
        #expect(!fleet.isDue(status(.up), isAble: false, now: 199 * second, using: &copy.random))
        #expect(!fleet.isDue(status(.up), isAble: true, now: 200 * second, using: &copy.random))
        #expect(copy.times(fleet, status(.up), from: 200 * second, until: 231 * second)[0] > 200 * second)
    }

    @Test func whatIsNotTakenIsTriedAgain() {
        var copy = self
        let fleet = makeFleet()
        #expect(copy.times(fleet, status(.up), from: 100 * second, until: 106 * second).count == 1)
        fleet.notAnnounced(now: 106 * second, using: &copy.random)
        let again = copy.times(fleet, status(.up), from: 106 * second, until: 109 * second)
        #expect(again.count == 1 && again[0] > 106 * second + second)
    }

    /// All relays start in the same moment, and hear each other at once.
    @Test(arguments: [30, 300]) func noneHearsMoreThanAboutOneInASecond(relays: Int) {
        var copy = self
        let fleets = (0..<relays).map { makeFleet("\($0)") }
        var perTick: [Int] = []
        for now in stride(from: second, to: 2400 * second, by: Int(second / 4)) {
            let speakers = fleets.filter { $0.isDue(status(.up), isAble: true, now: now, using: &copy.random) }
            perTick.append(speakers.count)
            for speaker in speakers {
                speaker.announces(now: now, using: &copy.random)
                let said = speaker.announcement(status(.up), roundTrip: nil, connections: 0, now: now)
                for fleet in fleets { hear(fleet, said, at: now) }
            }
        }
        #expect(fleets.allSatisfy { $0.relays(now: 2400 * second) == relays })
        // In the first moment, the relays that were about to speak do so. Later, at most 20 speak in ten seconds.
        let mostInTenSeconds = perTick.indices.dropLast(40).map { perTick[$0..<($0 + 40)].reduce(0, +) }.max() ?? 0
        #expect(mostInTenSeconds <= 60, "\(mostInTenSeconds)")
        let later = perTick.suffix(perTick.count / 2).reduce(0, +)
        #expect((800...1600).contains(later), "\(later) in 1200 s")
    }
}
