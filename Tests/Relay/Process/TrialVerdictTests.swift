import RESP
import RelayCore
import Testing

@testable import Relay

@Suite("What an answer of Redis means for a relay")
struct TrialVerdictTests {
    private func verdict(
        _ step: TrialVerdict.Step, _ value: RedisValue, of server: ServerKind = .redis
    ) -> TrialVerdict {
        var mask = SecretMask()
        mask.add("hush-hush")
        return TrialVerdict(step, .value(value), of: server, mask: mask)
    }

    private let denied = RedisValue.error("NOPERM this user has no permissions to run the 'x' command")

    @Test("each step has an answer that works")
    func works() {
        for (step, value) in [
            (.login, .status("OK")), (.name, .status("OK")), (.ping, .status("PONG")), (.token, .bulk([1])),
            (.idleLimit, .array([])), (.publish, .integer(0)), (.shardPublish, .integer(0)), (.slots, .array([])),
        ] as [(TrialVerdict.Step, RedisValue)] {
            #expect(verdict(step, value) == .works(""), "\(step)")
        }
        for step in [TrialVerdict.Step.subscribe, .shardSubscribe, .patterns] {
            let answer = RedisConversation.Answer.confirmed(.subscribe)
            #expect(TrialVerdict(step, answer, of: .redis, mask: SecretMask()) == .works(""))
        }
        #expect(verdict(.role, .array([.bulk(Array("master".utf8))])) == .works("master"))
    }

    @Test("a command that is denied is done without where that is possible")
    func denials() {
        for step in [TrialVerdict.Step.name, .token, .role, .idleLimit, .patterns, .details] {
            #expect(verdict(step, denied) == .without("NOPERM this user has no permissions to run the 'x' command"))
            #expect(verdict(step, .error("ERR unknown command 'X'")) == .without("ERR unknown command 'X'"))
        }
        for step in [TrialVerdict.Step.publish, .shardPublish, .subscribe, .shardSubscribe, .slots, .clusterInfo] {
            guard case .fault(let text) = verdict(step, denied) else {
                Issue.record("\(step) is needed")
                continue
            }
            #expect(text.contains("NOPERM"))
        }
    }

    @Test("a channel that is denied leaves others, and a slot that is elsewhere says that the command is allowed")
    func channels() {
        let channel = RedisValue.error("NOPERM No permissions to access a channel")
        for step in [TrialVerdict.Step.publish, .shardPublish, .subscribe, .shardSubscribe] {
            guard case .without(let text) = verdict(step, channel) else {
                Issue.record("\(step) can be done on other channels")
                continue
            }
            #expect(text.contains("No permissions to access a channel"))
            #expect(
                verdict(step, .error("MOVED 1 10.0.0.1:7000"), of: .clusterMember)
                    == .works("at another node: MOVED 1 10.0.0.1:7000"))
        }
    }

    @Test("a login that fails, and a server that is busy, are faults whatever was asked")
    func faults() {
        for (step, text) in [
            (.login, "WRONGPASS invalid username-password pair"), (.ping, "NOAUTH Authentication required."),
            (.role, "LOADING Redis is loading the dataset in memory"), (.name, "NOAUTH Authentication required."),
        ] as [(TrialVerdict.Step, String)] {
            guard case .fault = verdict(step, .error(text)) else {
                Issue.record("\(step): \(text)")
                continue
            }
        }
        #expect(verdict(.ping, .error("MISCONF Redis is configured")) == .works("MISCONF Redis is configured"))
    }

    @Test("a role, and a kind of server, that is not the one that is wanted")
    func roles() {
        func role(_ text: String, of server: ServerKind) -> TrialVerdict {
            verdict(.role, .array([.bulk(Array(text.utf8))]), of: server)
        }
        #expect(role("slave", of: .redis) == .fault("Redis is a replica, not a master"))
        #expect(role("slave", of: .clusterMember) == .works("slave"))
        guard case .fault = role("sentinel", of: .redis), case .fault = role("master", of: .sentinel) else {
            Issue.record("a sentinel is no server, and a server is no sentinel")
            return
        }
        #expect(role("sentinel", of: .sentinel) == .works("sentinel"))
        #expect(role("leader", of: .redis) == .without("the reply names no role"))
        #expect(verdict(.master, .nilValue, of: .sentinel) == .fault("it does not know a master of this name"))
    }

    @Test("a sentinel may have no password although one is given")
    func sentinels() {
        let refusal = RedisValue.error("ERR AUTH <password> called without any password configured")
        guard case .without = verdict(.login, refusal, of: .sentinel), case .fault = verdict(.login, refusal) else {
            Issue.record("only a sentinel may")
            return
        }
        guard case .fault = verdict(.ping, .error("NOAUTH Authentication required."), of: .sentinel) else {
            Issue.record("one that wants a password says so to what comes next")
            return
        }
    }

    @Test("no password is in what is shown")
    func secrets() {
        for step in TrialVerdict.Step.allCases {
            for text in ["ERR unknown command 'hush-hush'", "NOPERM HUSH-HUSH", "ERR invalid password hush-hush"] {
                let shown = "\(verdict(step, .error(text)))".lowercased()
                #expect(!shown.contains("hush-hush"), "\(step): \(shown)")
            }
        }
    }
}
