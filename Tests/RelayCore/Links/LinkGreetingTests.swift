import Testing

@testable import RelayCore

extension Link {
    /// Connects, and answers what the link asks with `answer`, until the link is established or has failed. Where
    /// `answer` returns nil, the connection fails with the cause `end`.
    /// - Returns: the steps that were asked.
    mutating func converse(
        at now: Int = 0, secret: String? = nil, triesSize: Bool = false, end: Cause = .closed, isMidReply: Bool = false,
        _ answer: (LinkMachine.GreetingStep) -> LinkMachine.Reply?
    ) -> [LinkMachine.GreetingStep] {
        connect(now)
        var asked: [LinkMachine.GreetingStep] = []
        var pending = machine.connected(now: now.ms, secret: secret, triesSize: triesSize)[...]
        while let step = pending.popFirst() {
            asked.append(step)
            guard let reply = answer(step) else {
                asked += pending
                fail(end, isMidReply: isMidReply, at: now)
                return asked
            }
            switch machine.greeted(reply, now: now.ms) {
            case .ask(let more): pending += more
            case .fail(let failure): machine.failed(failure, now: now.ms, using: &random)
            default: break
            }
        }
        return asked
    }

    mutating func fail(_ cause: Cause, isMidReply: Bool, at now: Int) {
        machine.failed(
            LinkFailure(cause: cause, reason: "test"), now: now.ms, isMidReply: isMidReply, using: &random)
    }

    var isEstablished: Bool { machine.phase == .established }
}

/// A server or proxy that does not support everything that is asked at the beginning of a connection.
@Suite struct LinkGreetingTests {
    static let oddReplies: [LinkMachine.Reply] = [
        .status("OK"), .other, .nothing, .number(3), .text("x"), .role("primary"), .role(""),
        .error("-invalid request"),
    ]

    @Test(arguments: [LinkMachine.GreetingStep.role, .setName], oddReplies)
    func whatIsAnsweredOddlyIsDoneWithoutAndTold(step: LinkMachine.GreetingStep, reply: LinkMachine.Reply) {
        var link = Link()
        _ = link.converse { $0 == step ? reply : $0.goodAnswer }
        #expect(link.isEstablished)
        let isGood = step == .setName && reply == .status("OK")
        #expect(link.machine.fallbacks.map(\.step) == (isGood ? [] : [step]))
    }

    /// Which step ends the connection shows only if the steps are asked one by one.
    @Test(arguments: [LinkMachine.GreetingStep.setName, .role, .bulkLimit], [Cause.closed, .timeout])
    func aStepAtWhichItEndsIsLeftOut(step: LinkMachine.GreetingStep, end: Cause) {
        var link = Link(publishesUnder: "t:")
        var attempts = 0
        while !link.isEstablished, attempts < 6 {
            let asked = link.converse(at: attempts * 1000, secret: "hush", end: end) {
                // Proxies mostly drop what they have not sent yet.
                attempts == 0 || $0 == step ? nil : $0.goodAnswer
            }
            if attempts > 0 { #expect(asked.starts(with: [.auth, .ping])) }
            attempts += 1
        }
        #expect(attempts == (step == .role && end == .closed ? 4 : 3))
        #expect(link.machine.fallbacks.contains { $0.step == step && $0.text.contains("proxy") })
        link.fail(.closed, isMidReply: false, at: 10_000)
        #expect(!link.converse(at: 20_000) { $0.goodAnswer }.contains(step))
        link.fail(.closed, isMidReply: false, at: 30_000)
        link.machine.reconsiderServer()
        #expect(link.converse(at: 40_000) { $0.goodAnswer }.contains(step))
        #expect(link.isEstablished && link.machine.fallbacks.isEmpty)
    }

    @Test func allThatCanBeDoneWithoutMayBeLeftOut() {
        var link = Link(publishesUnder: "t:")
        for attempt in 0..<9 where !link.isEstablished {
            _ = link.converse(at: attempt * 1000) { [.ping, .publish].contains($0) ? $0.goodAnswer : nil }
        }
        #expect(link.isEstablished)
        #expect(Set(link.machine.fallbacks.map(\.step)) == [.setName, .role, .bulkLimit, .bufferLimit, .idleLimit])
    }

    /// For example a balancer with no server behind it, or a server that is being killed.
    @Test(arguments: [LinkMachine.GreetingStep.auth, .ping, .publish])
    func aConnectionThatEndsElsewhereSaysNothingOfAnyStep(step: LinkMachine.GreetingStep) {
        var link = Link(publishesUnder: "t:")
        for attempt in 0..<9 {
            _ = link.converse(at: attempt * 1000, secret: "hush") { $0 == step ? nil : $0.goodAnswer }
            #expect(!link.isEstablished)
        }
        for attempt in 9..<18 {
            _ = link.converse(at: attempt * 1000, isMidReply: true) { $0 == .role ? nil : $0.goodAnswer }
        }
        let asked = link.converse(at: 20_000) { $0.goodAnswer }
        #expect(link.isEstablished && link.machine.fallbacks.isEmpty && asked.contains(.role))
    }

    @Test func aServerThatSwallowsAStepIsAskedOneByOne() {
        var link = Link()
        // PONG comes in place of the role, and then nothing.
        _ = link.converse(end: .timeout) { $0 == .role ? .status("PONG") : $0 == .ping ? nil : $0.goodAnswer }
        _ = link.converse(at: 1000, end: .timeout) { $0 == .role ? nil : $0.goodAnswer }
        _ = link.converse(at: 2000) { $0.goodAnswer }
        #expect(link.isEstablished && link.machine.fallbacks.map(\.step) == [.role])
    }
}

/// A publish link is of use only if PUBLISH has been answered with a number, or with an error about the channel.
@Suite struct PublishGreetingTests {
    @Test(arguments: [
        LinkMachine.Reply.error("ERR unknown command 'PUBLISH'"), .error("ERR unsupported command"),
        .error("invalid request"), .error("ERR command not allowed"), .error("ERR whatever"), .error(""), .status("OK"),
        .nothing, .other, .text("0"),
    ])
    func aServerThatDoesNotAnswerPublishIsNotUsed(reply: LinkMachine.Reply) {
        var link = Link(publishesUnder: "t:")
        _ = link.converse { $0 == .publish ? reply : $0.goodAnswer }
        #expect(!link.isEstablished)
        #expect(link.machine.lastFailure?.cause == .protocolError)
        #expect(link.machine.lastFailure?.reason.contains("does not answer PUBLISH") == true)
        #expect(link.machine.lastFailure?.isRefusal == true, "it will not change in a moment")
    }

    @Test(arguments: ["MOVED 1 h:1", "CLUSTERDOWN Hash slot not served", "TRYAGAIN x"])
    func anErrorOfTheClusterIsAnAnswer(text: String) {
        var link = Link(expects: .clusterMaster, publishesUnder: "t:")
        _ = link.converse { $0 == .publish ? .error(text) : $0.goodAnswer }
        #expect(link.isEstablished)
    }

    @Test func aUserWhoMayNotPublishAtAllIsToldSo() {
        var link = Link(publishesUnder: "t:")
        let text = "NOPERM User x has no permissions to run the 'publish' command"
        _ = link.converse { $0 == .publish ? .error(text) : $0.goodAnswer }
        #expect(link.machine.lastFailure?.cause == .auth)
    }

    @Test(
        arguments: [
            ([], LinkGreeting.Channels.none), (["other:*"], .none), (["t:room"], .granted), (["*"], .granted),
            (nil, .unknown),
        ] as [([String]?, LinkGreeting.Channels)])
    func whereTheOwnChannelIsDeniedTheUserIsLookedAt(channels: [String]?, expected: LinkGreeting.Channels) {
        var link = Link(publishesUnder: "t:")
        let asked = link.converse {
            switch $0 {
            case .publish: .error("NOPERM No permissions to access a channel")
            case .user: channels == nil ? .error("NOPERM acl") : .user(channels: channels)
            default: $0.goodAnswer
            }
        }
        #expect(asked.last == .user && link.machine.greeting.channels == expected)
        #expect(link.isEstablished == (expected != .none))
        #expect(link.machine.fallbacks.isEmpty, "that the channel is denied, the probe tells")
    }

    @Test func aLargeCommandIsTriedAlone() {
        for (reply, isTaken) in [
            (.error("ERR wrong number of arguments for 'ping' command"), true), (nil, false),
            (.error("ERR Protocol error: invalid bulk length"), false),
        ] as [(LinkMachine.Reply?, Bool)] {
            var link = Link(publishesUnder: "t:")
            let asked = link.converse(triesSize: true) { $0 == .size ? reply : $0.goodAnswer }
            #expect(asked.last == .size && link.isEstablished == isTaken)
        }
    }
}

@Suite struct ChannelPatternTests {
    @Test(arguments: [
        ("*", true), ("t:*", true), ("t:room", true), ("t:", true), ("t*", true), ("?:x", true), ("??", true),
        ("[a-z]:x", true), ("[^a]:", true), ("\\t:*", true), ("t:[", true), ("*nothing", true),
        ("", false), ("t", false), ("other:*", false), ("?", false), ("[a-s]:", false), ("[^t]:", false),
        ("u:*", false),
        ("T:*", false), ("t\\", false),
    ])
    func whetherItReachesThePrefix(pattern: String, expected: Bool) {
        #expect(ChannelPattern.reaches(pattern, under: Array("t:".utf8)) == expected)
        #expect(ChannelPattern.reaches(pattern, under: []))
    }
}
