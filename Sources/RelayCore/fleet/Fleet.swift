/// The relays with the same prefix that hear each other. Each announces itself on a channel that only relays use. A
/// relay that is UP but that the others do not hear is on an island: it does not hear them either, although nothing is
/// wrong with its own path.
///
/// If there are `relays` relays, each announces itself every `interval` times max(1, relays / 30), spread by 20 %
/// either way. It also announces itself soon after a change, at a random moment, so that all the relays that see the
/// same change are spread as well. So with an interval of 30 s a relay hears one announcement a second on average, or
/// fewer, however many relays there are.
///
/// It has no I/O, and gets the time from its caller.
package final class Fleet {
    /// What is known of another relay.
    package struct Member: Sendable {
        package fileprivate(set) var announcement: Announcement
        /// When the announcement came, in monotonic nanoseconds, plus the time since then in which this relay could
        /// hear nobody.
        package fileprivate(set) var heardAt: UInt64
    }

    /// How many announcements must be missing before a relay counts as silent, and extra nanoseconds for what is on its
    /// way.
    private static let (missedUntilSilent, allowance): (UInt64, UInt64) = (3, 1_000_000_000)
    /// The longest payload that is read: an announcement has less than half of it.
    private static let longestPayload = 2048
    /// The most other relays that are remembered: any client that can publish under the prefix can invent some.
    package static let mostMembers = 10_000
    /// Nanoseconds after which a silent relay is forgotten.
    private static let memory: UInt64 = 3_600_000_000_000
    /// The number of parts of an interval. As many relays may announce themselves in an interval.
    private static let parts: UInt64 = 30
    /// Relays that all start at the same time hear nobody yet. They begin to take turns when they hear `mostHeard`
    /// announcements in a window of `windowParts` parts: twice as many as normally.
    private static let (mostHeard, windowParts): (UInt64, UInt64) = (20, 10)

    /// What the relay announces about itself, except for what changes.
    package let own: Announcement
    /// Nanoseconds between two announcements of a relay in a small fleet.
    package let interval: UInt64
    /// The other relays, including silent ones, in no particular order. A member's place changes when others go.
    package private(set) var members: [Member] = []
    /// The places of the members, by their ids.
    private var places: [String: Int] = [:]

    private var dueAt: UInt64 = 0
    private var told: (state: State, cause: Cause)?
    /// The window in which announcements are counted, and how many have come in it.
    private var heard = (windowBegan: UInt64(0), count: UInt64(0))

    /// The time since which the relay can hear nobody; nil while it can hear others.
    private var deafSince: UInt64? = 0
    /// Whether the relay could announce itself at the last call of `isDue`.
    private var wasAble = false

    /// Why the relay cannot hear the others, and why they cannot hear it, if Redis denies that; see `problem`.
    var subscribeDenial: String?
    var publishDenial: String?
    /// Whether `problem` has been logged.
    var isProblemLogged = false

    /// - Parameters:
    ///   - own: what the relay announces about itself; its state and other values that change are filled in each time.
    ///   - interval: nanoseconds, at least one.
    package init(own: Announcement, interval: UInt64) { (self.own, self.interval) = (own, interval) }

    // MARK: Hearing

    /// A message has come on the fleet's channel.
    func heard(_ payload: UnsafeRawBufferPointer, now: UInt64) {
        guard payload.count <= Self.longestPayload else { return }
        let announcement = (try? Announcement(payload)) ?? nil
        guard let announcement, announcement.relayID != own.relayID else { return }
        count(now: now)
        if let place = places[announcement.relayID] {
            if announcement.state == .stopping { return remove(place) }
            members[place] = Member(announcement: announcement, heardAt: now)
        } else if announcement.state != .stopping, members.count < Self.mostMembers {
            places[announcement.relayID] = members.count
            members.append(Member(announcement: announcement, heardAt: now))
        }
    }

    private func count(now: UInt64) {
        if !isInWindow(now: now) { heard = (now, 0) }
        heard.count += 1
    }

    private func remove(_ place: Int) {
        places[members[place].announcement.relayID] = nil
        let last = members.removeLast()
        guard place < members.count else { return }
        members[place] = last
        places[last.announcement.relayID] = place
    }

    /// Notes whether the relay can hear others. Called by the tick. Time in which it cannot does not count as silence
    /// of others.
    func isHearing(_ isHearing: Bool, now: UInt64) {
        guard isHearing != (deafSince == nil) else { return }
        if let deafSince { forgive(now - min(now, deafSince), now: now) }
        deafSince = isHearing ? nil : now
    }

    /// The loop did not run for `nanoseconds`, or the relay heard nobody: this time does not count as silence of
    /// others.
    func forgive(_ nanoseconds: UInt64, now: UInt64) {
        for place in members.indices { members[place].heardAt = min(now, members[place].heardAt + nanoseconds) }
    }

    /// The number of relays that are heard, including this one.
    package func relays(now: UInt64) -> Int { 1 + members.reduce(0) { $0 + (isSilent($1, now: now) ? 0 : 1) } }

    /// Whether three announcements of a relay in a row are missing.
    package func isSilent(_ member: Member, now: UInt64) -> Bool {
        // The interval that a relay claims is believed only as far as the fleet is large enough for it.
        let longest = max(Self.memory, 4 * part * UInt64(members.count))
        let limit = min(member.announcement.intervalMilliseconds * 1_000_000 * Self.missedUntilSilent, longest)
        return silence(of: member, now: now) > limit + Self.allowance
    }

    private func silence(of member: Member, now: UInt64) -> UInt64 {
        let now = deafSince ?? now
        return now - min(now, member.heardAt)
    }

    private func forgetSilent(now: UInt64) {
        for place in members.indices.reversed()
        where isSilent(members[place], now: now) && silence(of: members[place], now: now) > Self.memory {
            remove(place)
        }
    }

    // MARK: Speaking

    /// The length of a part in nanoseconds; one relay may announce itself in it.
    private var part: UInt64 { interval / Self.parts + 1 }

    /// Nanoseconds between two announcements of this relay, without the spread.
    package func ownInterval(now: UInt64) -> UInt64 { max(interval, round(now: now)) }

    /// Nanoseconds in which every relay may announce itself once.
    private func round(now: UInt64) -> UInt64 { part * UInt64(relays(now: now)) }

    // If something is denied, the relay tries again soon, however many relays there are.
    private func nextInterval(now: UInt64) -> UInt64 { problem == nil ? ownInterval(now: now) : interval }

    /// Whether the relay is to announce itself now. To be asked several times in each part of the interval.
    /// - Parameter isAble: whether Redis can be reached for that.
    func isDue(
        _ status: RelayStatus, isAble: Bool, now: UInt64, using random: inout some RandomNumberGenerator
    ) -> Bool {
        defer { wasAble = isAble }
        guard isAble else { return false }
        // If this relay has just become able again, all others may have, too.
        if told == nil {
            schedule(within: part * (Self.parts / 6), now: now, using: &random)
        } else if let told, told != (status.state, status.cause) || !wasAble && now >= dueAt {
            schedule(within: round(now: now), now: now, using: &random)
        }
        told = (status.state, status.cause)
        guard now >= dueAt else { return false }
        guard !isCrowded(now: now) else {
            dueAt = now + UInt64.random(in: 0...round(now: now), using: &random)
            return false
        }
        return true
    }

    /// Whether more relays announce themselves just now than should.
    func isCrowded(now: UInt64) -> Bool { heard.count >= Self.mostHeard && isInWindow(now: now) }

    private func isInWindow(now: UInt64) -> Bool { now - min(now, heard.windowBegan) < part * Self.windowParts }

    /// The next announcement is due at a random moment within so many nanoseconds, unless it is due earlier anyway.
    private func schedule(within: UInt64, now: UInt64, using random: inout some RandomNumberGenerator) {
        let at = now + UInt64.random(in: 0...within, using: &random)
        dueAt = dueAt <= now ? at : min(dueAt, at)
    }

    /// An announcement is about to be published: the next one is due after the interval.
    func announces(now: UInt64, using random: inout some RandomNumberGenerator) {
        forgetSilent(now: now)
        let interval = nextInterval(now: now)
        dueAt = now + UInt64.random(in: (interval - interval / 5)...(interval + interval / 5), using: &random)
    }

    /// What the relay announces about itself now.
    /// - Parameter roundTrip: nanoseconds; nil if unknown.
    func announcement(_ status: RelayStatus, roundTrip: UInt64?, connections: Int, now: UInt64) -> Announcement {
        var announcement = own
        (announcement.state, announcement.cause) = (status.state, status.cause)
        announcement.sinceUnixMilliseconds = status.sinceUnixMilliseconds
        announcement.roundTripMicroseconds = (roundTrip ?? 0) / 1000
        announcement.connections = UInt64(connections)
        announcement.intervalMilliseconds = ownInterval(now: now) / 1_000_000
        return announcement
    }

    /// The announcement was not sent, or Redis has not taken it: it is tried again soon.
    func notAnnounced(now: UInt64, using random: inout some RandomNumberGenerator) {
        dueAt = now + part + UInt64.random(in: 0...round(now: now), using: &random)
    }

    /// Why this relay and the others do not hear each other; nil while Redis denies nothing.
    package var problem: String? { subscribeDenial ?? publishDenial }
}
