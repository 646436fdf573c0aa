import Testing

@testable import RelayCore

/// What Redis's error texts mean for a link.
@Suite struct ErrorClassificationTests {
    @Test(arguments: [
        ("NOAUTH Authentication required.", Cause.auth),
        ("WRONGPASS invalid username-password pair or user is disabled.", .auth),
        ("LOADING Redis is loading the dataset in memory", .busy),
        ("BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.", .busy),
        ("ERR max number of clients reached", .busy),
        ("ERR max number of clients + cluster connections reached", .busy),
    ])
    func endsTheLink(text: String, cause: Cause) {
        let failure = LinkFailure.classify(error: text)
        #expect(failure?.cause == cause)
        #expect(failure?.reason.contains(text) == true)
        #expect(failure?.isRefusal == true, "trying again at once would get the same answer")
    }

    @Test(arguments: [
        "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        "NOPERM this user has no permissions to run the 'role' command", "ERR unknown command 'ROLE'", "ERR", "", " ",
        "NOAUTHENTICATION", "LOADINGS", "READONLY You can't write against a read only replica.",
    ])
    func leavesTheLinkUp(text: String) { #expect(LinkFailure.classify(error: text) == nil) }

    /// After any error to AUTH, the link is of no use.
    @Test(arguments: [
        "ERR Client sent AUTH, but no password is set",
        "ERR AUTH <password> called without any password configured for the default user.", "ERR invalid password", "",
    ])
    func anyErrorToAuthIsOneOfAuth(text: String) {
        #expect(LinkFailure.classify(error: text, isAuth: true)?.cause == .auth)
        #expect(LinkFailure.classify(error: "LOADING x", isAuth: true)?.cause == .busy)
    }

    /// A server may quote what it was sent, in whatever form.
    @Test(arguments: [
        "ERR", "ERR unknown command 'AUTH',", "ERR invalid password", "ERR Client sent AUTH, but no password is set",
        "ERR wrong number of arguments for 'auth'", "ERR max number of clients", "NOAUTH", "WRONGPASS", "LOADING",
        "BUSY",
        "DENIED", "NOPERM", "x", "",
    ]) func whatAUTHFailedWithIsToldInOurOwnWords(words: String) {
        let failure = LinkFailure.classify(error: words + " s3cret", isAuth: true)
        #expect(failure?.reason.hasPrefix("Redis ") == true && failure?.reason.contains("s3cret") == false)
        #expect(failure?.cause == LinkFailure.classify(error: words, isAuth: true)?.cause)
        let code = LinkFailure.classify(error: "SECRETWORD", isAuth: true)
        var mask = SecretMask()
        mask.add("my-secretword")
        #expect(code?.reason == "Redis refused AUTH: SECRETWORD")
        #expect(code?.shown(by: mask).reason == "Redis refused AUTH: (left out, since it may hold a password)")
    }

    /// A server before Redis 6 counts the arguments, but does not say which of them is too many.
    @Test func anOldServerThatIsGivenAUserIsToldApart() {
        let text = "ERR wrong number of arguments for 'auth' command"
        let failure = LinkFailure.classify(error: text, isAuth: true)
        #expect(failure?.cause == .auth && failure?.reason.contains("has no users") == true)
        #expect(LinkFailure.classify(error: text) == nil, "not about AUTH")
    }

    @Test func protectedModeIsOneOfAuth() {
        let text = "DENIED Redis is running in protected mode because protected mode is enabled and no password is set"
        for isAuth in [false, true] {
            #expect(LinkFailure.classify(error: text, isAuth: isAuth)?.cause == .auth)
        }
        #expect(LinkFailure.classify(error: "DENIEDS") == nil)
    }

    @Test func rolesOfAReplica() {
        #expect(LinkFailure.classify(role: "slave")?.cause == .demoted)
        #expect(LinkFailure.classify(role: "replica")?.cause == .demoted)
        #expect(LinkFailure.classify(role: "slave")?.isRefusal == true)
        for role in ["master", "", "Slave"] { #expect(LinkFailure.classify(role: role) == nil) }
    }

    /// A sentinel where Redis is expected, or the reverse, is a mistake of the configuration.
    @Test func rolesOfTheOtherKindOfServer() {
        #expect(LinkFailure.classify(role: "sentinel")?.cause == .topology)
        #expect(LinkFailure.classify(role: "sentinel", expected: .sentinel) == nil)
        for role in ["master", "slave"] {
            #expect(LinkFailure.classify(role: role, expected: .sentinel)?.cause == .topology)
        }
    }

    @Test(arguments: [Cause.unreachable, .closed, .timeout, .protocolError, .probe])
    func whatMayPassInAMomentIsNoRefusal(cause: Cause) {
        #expect(!LinkFailure(cause: cause, reason: "").isRefusal)
    }
}
