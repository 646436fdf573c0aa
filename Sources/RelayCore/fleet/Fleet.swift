/// The relays with the same prefix that hear each other: each announces itself on a channel of their own. Who is UP and is
/// heard by nobody is on an island: deaf to the others, although nothing is wrong with its own path.
///
/// With `relays` of them, each announces itself every `interval` times max(1, relays / 30), spread by 20 % either way, and
/// soon after a change, at a random moment so that all the relays that see the same change are spread like that, too. So
/// with an interval of 30 s a relay hears one announcement a second on average, or fewer, however many relays there are.
///
/// It has no I/O, and is told what the time is.
package final class Fleet {
    /// What is known of another relay.
    package struct Member: Sendable {
        package fileprivate(set) var announcement: Announcement
        /// When that came, monotonic nanoseconds; later by the time in which this relay could hear nobody since.
        package fileprivate(set) var heardAt: UInt64
    }

    /// Announcements that are missing until a relay counts as silent, and nanoseconds more for what is on its way.
    private static let (missedUntilSilent, allowance): (UInt64, UInt64) = (3, 1_000_000_000)
    /// The longest payload that is read: an announcement has less than half of it.
    private static let longestPayload = 2048
    /// Relays beyond which no others are taken in: whoever can publish under the prefix can make some up.
    package static let mostMembers = 10_000
    /// Nanoseconds after which a silent relay is forgotten.
    private static let memory: UInt64 = 3_600_000_000_000
    /// As many relays may announce themselves in an interval as there are parts of it.
    private static let parts: UInt64 = 30
    /// Relays that all start at the same time hear nobody yet. They take turns as soon as they hear more than this in a
    /// window, which has so many parts: twice as much as when all is quiet.
    private static let (mostHeard, windowParts): (UInt64, UInt64) = (20, 10)

    /// What the relay says of itself, but for what changes.
    package let own: Announcement
    /// Nanoseconds between two announcements of a relay in a small fleet.
    package let interval: UInt64
    /// The other relays, those that are silent included. In no order; a member's place changes when others go.
    package private(set) var members: [Member] = []
    /// By their ids.
    private var places: [String: Int] = [:]

    private var dueAt: UInt64 = 0
    private var told: (state: State, cause: Cause)?
    /// The window in which announcements are counted, and how many have come in it.
    private var heard = (windowBegan: UInt64(0), count: UInt64(0))

    /// Since when the relay can hear nobody; nil while it can.
    private var deafSince: UInt64? = 0
    /// It could announce itself when it was asked last.
    private var wasAble = false

    /// Why the relay cannot hear the others, or not be heard, if Redis denies it; see `problem`.
    var subscribeDenial: String?
    var publishDenial: String?
    /// `problem` has been logged.
    var isProblemLogged = false

    /// - Parameters:
    ///   - own: what the relay says of itself; its state and what else changes is put in each time.
    ///   - interval: nanoseconds, one at least.
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

    /// Whether the relay can hear others. To be called by the tick: time in which it cannot is nobody else's silence.
    func isHearing(_ isHearing: Bool, now: UInt64) {
        guard isHearing != (deafSince == nil) else { return }
        if let deafSince { forgive(now - min(now, deafSince), now: now) }
        deafSince = isHearing ? nil : now
    }

    /// Our own loop stood still for so many nanoseconds, or heard nobody: that was nobody else's silence.
    func forgive(_ nanoseconds: UInt64, now: UInt64) {
        for place in members.indices { members[place].heardAt = min(now, members[place].heardAt + nanoseconds) }
    }

    /// The relays that are heard, this one included.
    package func relays(now: UInt64) -> Int { 1 + members.reduce(0) { $0 + (isSilent($1, now: now) ? 0 : 1) } }

    /// Whether three announcements of a relay in a row are missing.
    package func isSilent(_ member: Member, now: UInt64) -> Bool {
        // Whatever interval somebody claims, it is not believed beyond what the fleet is large enough for.
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

    /// Nanoseconds, in which one relay may announce itself.
    private var part: UInt64 { interval / Self.parts + 1 }

    /// Nanoseconds between two announcements of this relay, but for the spread.
    package func ownInterval(now: UInt64) -> UInt64 { max(interval, round(now: now)) }

    /// Nanoseconds in which every relay may announce itself once.
    private func round(now: UInt64) -> UInt64 { part * UInt64(relays(now: now)) }

    // What is denied is soon asked for again, however many relays there are.
    private func nextInterval(now: UInt64) -> UInt64 { problem == nil ? ownInterval(now: now) : interval }

    /// Whether the relay is to announce itself now. To be asked several times in each part of the interval.
    /// - Parameter isAble: whether Redis can be reached for that.
    func isDue(
        _ status: RelayStatus, isAble: Bool, now: UInt64, using random: inout some RandomNumberGenerator
    ) -> Bool {
        defer { wasAble = isAble }
        guard isAble else { return false }
        // Where it has become able again with this moment, all the others may have, too.
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

    /// The next announcement is due in so many nanoseconds at the latest, unless it is due earlier anyway.
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

    /// What the relay says of itself now.
    /// - Parameter roundTrip: nanoseconds; nil: unknown.
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
