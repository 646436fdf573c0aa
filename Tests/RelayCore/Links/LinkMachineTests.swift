import Testing

@testable import RelayCore

/// A machine with the default timings. Its times are in milliseconds.
struct Link {
    var machine: LinkMachine
    var random = SeededGenerator(seed: 1)
    var debt = LinkDebt()

    init(
        expects server: ServerKind = .redis, evidence: AnswerClock.Evidence = .bytes, usesTokens: Bool = false,
        publishesUnder prefix: String? = nil
    ) {
        machine = LinkMachine(
            timings: .init(heartbeatInterval: 1000.ms, linkTimeout: 5000.ms, connectTimeout: 2000.ms),
            backoff: Backoff(minimum: 50.ms, maximum: 500.ms, maximumAfterRefusal: 5000.ms),
            expects: server, evidence: evidence, usesTokens: usesTokens,
            publishesUnder: prefix.map { Array($0.utf8) })
    }

    /// A link that has greeted Redis by `now` and owes nothing.
    static func established(at now: Int, evidence: AnswerClock.Evidence = .bytes) -> Link {
        var link = Link(evidence: evidence)
        link.connect(0)
        for step in link.machine.connected(now: now.ms, secret: nil) {
            _ = link.machine.greeted(step.goodAnswer, now: now.ms)
        }
        _ = link.tick(now)
        return link
    }

    /// Begins an attempt with one address, and takes it to where the socket is being connected.
    mutating func connect(_ now: Int) {
        guard case .waiting(let until) = machine.phase else { return }
        #expect(machine.wake(now: max(until, now.ms)) == .resolve)
        #expect(machine.resolved(count: 1, now: now.ms) == .connect(.found(0)))
    }

    /// - Parameter isOwed: whether a command is unanswered. If one was at the tick before, it is the same command.
    mutating func tick(_ now: Int, isOwed: Bool = false, unfinished: Int = 0) -> LinkMachine.Action {
        if !isOwed { answer(Int(debt.asked - debt.answered)) } else if !debt.isOwed { debt.asked += 1 }
        return machine.tick(now: now.ms, debt: debt, unfinished: unfinished)
    }

    /// Commands are written to the server.
    mutating func ask(_ count: Int = 1) { debt.asked += UInt64(count) }

    /// The oldest `count` commands are answered.
    mutating func answer(_ count: Int = 1) {
        debt.answered += UInt64(count)
        debt.answers += UInt64(count)
    }

    /// The next tick, whatever is owed.
    mutating func look(_ now: Int, unfinished: Int = 0) -> LinkMachine.Action {
        machine.tick(now: now.ms, debt: debt, unfinished: unfinished)
    }

    /// How long the machine waits after a failure, in nanoseconds; `.max` if it does not wait.
    mutating func fail(_ cause: Cause, at now: Int) -> UInt64 {
        machine.failed(LinkFailure(cause: cause, reason: "test"), now: now.ms, using: &random)
        guard case .waiting(let until) = machine.phase else { return .max }
        return until - now.ms
    }
}

extension LinkMachine.GreetingStep {
    /// The answer of a server with which all is well.
    var goodAnswer: LinkMachine.Reply {
        switch self {
        case .auth, .setName: .status("OK")
        case .role: .role("master")
        case .clusterInfo: .text(Self.goodClusterInfo)
        case .ping: .status("PONG")
        case .token: .text(PingToken.ofGreeting)
        case .publish: .number(0)
        case .bulkLimit, .bufferLimit, .idleLimit: .setting("0")
        case .user: .user(channels: ["*"])
        case .size: .error("ERR wrong number of arguments for 'ping' command")
        }
    }
}

extension LinkMachine.GreetingStep {
    static let goodClusterInfo = """
        cluster_state:ok
        cluster_slots_assigned:16384
        cluster_slots_ok:16384
        cluster_slots_pfail:0
        cluster_slots_fail:0
        cluster_known_nodes:6
        cluster_size:3
        cluster_current_epoch:6
        """
}

extension Int {
    /// That many milliseconds, in nanoseconds.
    var ms: UInt64 { UInt64(self) * 1_000_000 }
}

@Suite struct LinkMachineTests {
    @Test func theGreetingIsAskedInOrder() {
        var link = Link()
        link.connect(0)
        #expect(link.machine.connected(now: 0, secret: "hush") == [.auth, .setName, .role, .ping])
        #expect(link.machine.phase == .greeting)
        _ = link.fail(.busy, at: 0)
        link.connect(0)
        #expect(link.machine.connected(now: 0, secret: nil) == [.setName, .role, .ping])
    }

    @Test func whatAPingNamesIsRepeatedOrTheRelayDoesWithout() {
        let answers: [(LinkMachine.Reply, Bool)] = [
            (.text("hubrelay-0"), true), (.status("PONG"), false),
            (.error("ERR wrong number of arguments for 'ping' command"), false),
            (.error("NOPERM this user has no permissions to run the 'ping' command"), false),
            (.error("MISCONF Redis is configured to save RDB snapshots"), false),
        ]
        for (answer, isRepeated) in answers {
            var link = Link(usesTokens: true)
            link.connect(0)
            #expect(link.machine.connected(now: 0, secret: nil) == [.setName, .role, .token])
            _ = link.machine.greeted(.status("OK"), now: 0)
            _ = link.machine.greeted(.role("master"), now: 0)
            #expect(link.machine.greeted(answer, now: 0) == .established, "\(answer)")
            #expect(link.machine.repeatsTokens == isRepeated)
            #expect(link.machine.fallbacks.map(\.step) == (isRepeated ? [] : [.token]))
        }
    }

    @Test(arguments: [LinkMachine.Reply.text("hubrelay-1"), .text(""), .role("master"), .other])
    func whatItDidNotNameIsNoAnswer(answer: LinkMachine.Reply) {
        var link = Link(usesTokens: true)
        link.connect(0)
        _ = link.machine.connected(now: 0, secret: nil)
        _ = link.machine.greeted(.status("OK"), now: 0)
        _ = link.machine.greeted(.role("master"), now: 0)
        guard case .fail(let failure) = link.machine.greeted(answer, now: 0) else {
            Issue.record("\(answer) was taken")
            return
        }
        #expect(failure.cause == .protocolError && !link.machine.repeatsTokens)
    }

    @Test func theLastGreetingEstablishes() {
        var link = Link()
        _ = link.fail(.closed, at: 0)
        link.connect(0)
        _ = link.machine.connected(now: 0, secret: "hush")
        #expect(link.machine.greeted(.status("OK"), now: 0) == .none)
        #expect(link.machine.greeted(.error("ERR unknown subcommand"), now: 0) == .none)
        #expect(link.machine.greeted(.role("master"), now: 0) == .none)
        #expect(link.machine.phase == .greeting)
        #expect(link.machine.lastFailure?.cause == .closed, "not up yet")
        #expect(link.machine.greeted(.status("PONG"), now: 0) == .established)
        #expect(link.machine.phase == .established)
        #expect(link.machine.lastFailure == nil)
        #expect(link.machine.greeted(.other, now: 0) == .none, "nothing was asked")
    }

    @Test func aFailureIsTakenFromAnyStep() {
        for failingStep in 0..<4 {
            var link = Link()
            link.connect(0)
            let steps = link.machine.connected(now: 0, secret: "hush")
            for step in steps[..<failingStep] { #expect(link.machine.greeted(step.goodAnswer, now: 0) == .none) }
            guard case .fail(let failure) = link.machine.greeted(.error("NOAUTH"), now: 0) else {
                Issue.record("step \(failingStep)")
                continue
            }
            #expect(failure.cause == .auth)
        }
    }

    /// How old and new servers say that they have no password. Only the next answer shows whether a password is needed.
    @Test(arguments: [
        "ERR unknown command 'AUTH'", "ERR Client sent AUTH, but no password is set",
        "ERR wrong number of arguments for 'auth' command", "WRONGPASS invalid username-password pair",
    ])
    func aSentinelMayDoWithoutThePassword(text: String) {
        var open = Link(expects: .sentinel)
        open.connect(0)
        _ = open.machine.connected(now: 0, secret: "hush")
        for reply in [.error(text), .status("OK"), .role("sentinel")] as [LinkMachine.Reply] {
            #expect(open.machine.greeted(reply, now: 0) == .none)
        }
        #expect(open.machine.greeted(.status("PONG"), now: 0) == .established)

        var closed = Link(expects: .sentinel)
        closed.connect(0)
        _ = closed.machine.connected(now: 0, secret: "hush")
        #expect(closed.machine.greeted(.error(text), now: 0) == .none)
        let action = closed.machine.greeted(.error("NOAUTH Authentication required."), now: 0)
        guard case .fail(let failure) = action else {
            Issue.record("\(action)")
            return
        }
        #expect(failure.cause == .auth && !failure.reason.contains("NOAUTH"), "what was wrong with the password")
    }

    @Test(arguments: 0..<4) func anAnswerOfAnotherKindIsNoneToAUTHAndPING(wrongStep: Int) {
        for answer in [LinkMachine.Reply.other, .role("master"), .status("OK")] {
            var link = Link()
            link.connect(0)
            let steps = link.machine.connected(now: 0, secret: "hush")
            for step in steps[..<wrongStep] { _ = link.machine.greeted(step.goodAnswer, now: 0) }
            let isRight = [.setName, .role].contains(steps[wrongStep]) || answer == .status("OK")
            guard case .fail(let failure) = link.machine.greeted(answer, now: 0) else {
                #expect(isRight, "\(answer) to \(steps[wrongStep])")
                continue
            }
            #expect(!isRight && failure.cause == .protocolError)
        }
    }

    @Test func whatTheServerQuotesOfThePasswordIsLeftOutAndStillUnderstood() {
        var link = Link()
        link.connect(0)
        _ = link.machine.connected(now: 0, secret: "L")
        guard case .fail(let failure) = link.machine.greeted(.error("LOADING the dataset, L"), now: 0) else {
            Issue.record("it is loading")
            return
        }
        #expect(failure.cause == .busy && !failure.reason.contains(", L"))
        _ = link.fail(.busy, at: 0)
        var other = Link()
        for secret in ["hush-hush", "another"] {
            other.connect(0)
            _ = other.machine.connected(now: 0, secret: secret)
            _ = other.machine.greeted(.status("OK"), now: 0)
            // The former password is kept secret as well.
            _ = other.machine.greeted(.error("ERR unknown command, with args HUSH-HUSH"), now: 0)
            #expect(other.machine.fallbacks.first?.text == "ERR (left out, since it may hold a password)")
            _ = other.machine.greeted(.role("master"), now: 0)
            guard case .fail(let failure) = other.machine.greeted(.error("NOAUTH %68ush-hush"), now: 0) else {
                Issue.record("not logged in")
                return
            }
            #expect(failure.cause == .auth)
            #expect(failure.reason == "Redis: NOAUTH (left out, since it may hold a password)")
            _ = other.fail(.auth, at: 0)
        }
    }

    @Test func errorsThatSayNothingAboutPubSubAreTaken() {
        var link = Link()
        link.connect(0)
        _ = link.machine.connected(now: 0, secret: nil)
        #expect(link.machine.greeted(.error("NOPERM no client setname"), now: 0) == .none)
        #expect(link.machine.greeted(.error("ERR unknown command 'ROLE'"), now: 0) == .none)
        #expect(link.machine.greeted(.error("MISCONF cannot persist"), now: 0) == .established)
        #expect(link.machine.fallbacks.map(\.step) == [.setName, .role], "what the relay works without")
        #expect(link.machine.fallbacks.first?.text == "NOPERM no client setname")
        _ = link.fail(.closed, at: 0)
        link.connect(0)
        _ = link.machine.connected(now: 0, secret: nil)
        #expect(link.machine.fallbacks.isEmpty, "another server may know more")
    }

    @Test func aReplicaIsNotUsed() {
        var link = Link()
        link.connect(0)
        _ = link.machine.connected(now: 0, secret: nil)
        _ = link.machine.greeted(.status("OK"), now: 0)
        guard case .fail(let failure) = link.machine.greeted(.role("slave"), now: 0) else {
            Issue.record("a replica was taken")
            return
        }
        #expect(failure.cause == .demoted)
    }

    @Test func anErrorToAuthFailsOnlyAtTheStepOfAuth() {
        var link = Link()
        link.connect(0)
        _ = link.machine.connected(now: 0, secret: "hush")
        guard case .fail(let failure) = link.machine.greeted(.error("ERR no password is set"), now: 0) else {
            Issue.record("AUTH was refused")
            return
        }
        #expect(failure.cause == .auth)
        _ = link.machine.connected(now: 0, secret: nil)
        #expect(link.machine.greeted(.error("ERR no password is set"), now: 0) == .none)
    }
}
