import Testing

@testable import RelayCore

/// A machine with the defaults of the timings, and times in milliseconds.
struct Link {
    var machine: LinkMachine
    var random = SeededGenerator(seed: 1)

    init() {
        machine = LinkMachine(
            timings: .init(heartbeatInterval: 1000.ms, linkTimeout: 5000.ms, connectTimeout: 2000.ms),
            backoff: Backoff(minimum: 50.ms, maximum: 500.ms, maximumAfterRefusal: 5000.ms),
            host: "redis.test")
    }

    /// A link that has greeted Redis by `now` and owes nothing.
    static func established(at now: Int) -> Link {
        var link = Link()
        link.connect(0)
        for _ in link.machine.connected(now: now.ms, authenticates: false) {
            _ = link.machine.greeted(.other, now: now.ms)
        }
        _ = link.tick(now)
        return link
    }

    /// An attempt that has one address, up to where the socket is being connected.
    mutating func connect(_ now: Int) {
        guard case .waiting(let until) = machine.phase else { return }
        #expect(machine.wake(now: max(until, now.ms)) == .resolve)
        #expect(machine.resolved(count: 1, now: now.ms) == .connect(.found(0)))
    }

    mutating func tick(_ now: Int, isOwed: Bool = false) -> LinkMachine.Action {
        machine.tick(now: now.ms, isOwed: isOwed)
    }

    /// Until when the machine waits after a failure, at most `limit` milliseconds later.
    mutating func fail(_ cause: Cause, at now: Int) -> UInt64 {
        machine.failed(LinkFailure(cause: cause, reason: "test"), now: now.ms, using: &random)
        guard case .waiting(let until) = machine.phase else { return .max }
        return until - now.ms
    }
}

extension Int {
    /// So many milliseconds in nanoseconds.
    var ms: UInt64 { UInt64(self) * 1_000_000 }
}

@Suite struct LinkMachineTests {
    @Test func theGreetingIsAskedInOrder() {
        var link = Link()
        link.connect(0)
        #expect(link.machine.connected(now: 0, authenticates: true) == [.auth, .setName, .role, .ping])
        #expect(link.machine.phase == .greeting)
        _ = link.fail(.closed, at: 0)
        link.connect(0)
        #expect(link.machine.connected(now: 0, authenticates: false) == [.setName, .role, .ping])
    }

    @Test func theLastGreetingEstablishes() {
        var link = Link()
        _ = link.fail(.closed, at: 0)
        link.connect(0)
        _ = link.machine.connected(now: 0, authenticates: true)
        #expect(link.machine.greeted(.other, now: 0) == .none)
        #expect(link.machine.greeted(.error("ERR unknown subcommand"), now: 0) == .none)
        #expect(link.machine.greeted(.role("master"), now: 0) == .none)
        #expect(link.machine.phase == .greeting)
        #expect(link.machine.lastFailure?.cause == .closed, "not up yet")
        #expect(link.machine.greeted(.other, now: 0) == .established)
        #expect(link.machine.phase == .established)
        #expect(link.machine.lastFailure == nil)
        #expect(link.machine.greeted(.other, now: 0) == .none, "nothing was asked")
    }

    @Test func aFailureIsTakenFromAnyStep() {
        for failingStep in 0..<4 {
            var link = Link()
            link.connect(0)
            _ = link.machine.connected(now: 0, authenticates: true)
            for _ in 0..<failingStep { #expect(link.machine.greeted(.other, now: 0) == .none) }
            guard case .fail(let failure) = link.machine.greeted(.error("NOAUTH"), now: 0) else {
                Issue.record("step \(failingStep)")
                continue
            }
            #expect(failure.cause == .auth)
        }
    }

    @Test func errorsThatSayNothingAboutPubSubAreTaken() {
        var link = Link()
        link.connect(0)
        _ = link.machine.connected(now: 0, authenticates: false)
        #expect(link.machine.greeted(.error("NOPERM no client setname"), now: 0) == .none)
        #expect(link.machine.greeted(.error("ERR unknown command 'ROLE'"), now: 0) == .none)
        #expect(link.machine.greeted(.error("MISCONF cannot persist"), now: 0) == .established)
        #expect(link.machine.fallbacks.map(\.step) == [.setName, .role], "what the relay does without")
        #expect(link.machine.fallbacks.first?.text == "NOPERM no client setname")
        _ = link.fail(.closed, at: 0)
        link.connect(0)
        _ = link.machine.connected(now: 0, authenticates: false)
        #expect(link.machine.fallbacks.isEmpty, "another server may know more")
    }

    @Test func aReplicaIsNotUsed() {
        var link = Link()
        link.connect(0)
        _ = link.machine.connected(now: 0, authenticates: false)
        _ = link.machine.greeted(.role("slave"), now: 0)  // not the answer to ROLE
        guard case .fail(let failure) = link.machine.greeted(.role("slave"), now: 0) else {
            Issue.record("a replica was taken")
            return
        }
        #expect(failure.cause == .demoted)
    }

    @Test func anErrorToAuthFailsOnlyAtTheStepOfAuth() {
        var link = Link()
        link.connect(0)
        _ = link.machine.connected(now: 0, authenticates: true)
        guard case .fail(let failure) = link.machine.greeted(.error("ERR no password is set"), now: 0) else {
            Issue.record("AUTH was refused")
            return
        }
        #expect(failure.cause == .auth)
        _ = link.machine.connected(now: 0, authenticates: false)
        #expect(link.machine.greeted(.error("ERR no password is set"), now: 0) == .none)
    }
}
