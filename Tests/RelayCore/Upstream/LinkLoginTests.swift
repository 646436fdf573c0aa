import Configuration
import RESP
import TestSupport
import Testing

@testable import RelayCore

/// The user and the password with which a link logs in.
@Suite struct LinkLoginTests {
    @Test(
        arguments: [
            ("app", "secret", ["AUTH", "app", "secret"]),
            ("app", "", ["AUTH", "app", ""]),
            // What servers before Redis 6 understand.
            ("default", "secret", ["AUTH", "secret"]),
            (nil, "secret", ["AUTH", "secret"]),
            // A user without a password has to be named.
            ("default", "", ["AUTH", "default", ""]),
        ] as [(String?, String, [String])])
    func theUserIsNamedWhereThatIsNeeded(user: String?, password: String, command: [String]) {
        var options = HubRig.Options()
        options.credentials = .init(username: user, password: password)
        let rig = HubRig(options)
        var commands: [[String]] = []
        rig.answersGreeting = { asked in
            commands.append(asked)
            return asked[0] == "AUTH" ? .status("OK") : nil
        }
        rig.openPublishLink()
        #expect(commands.first == command)
    }
}
