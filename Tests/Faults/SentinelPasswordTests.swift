import TestSupport
import Testing

/// Sentinels that require a password, and servers that require another one.
@Suite struct SentinelPasswordTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func file(_ name: String, _ password: String) throws -> String {
        let path = directory.path(of: name)
        try writeFile(path, password)
        return path
    }

    @Test func sentinelsAndServersHaveAPasswordEach() throws {
        let scene = try SentinelScene(password: "hush-servers", sentinelPassword: "hush-sentinels")
        let servers = ["--redis-password-file", try file("servers", "hush-servers")]
        let sentinels = ["--sentinel-password-file", try file("sentinels", "hush-sentinels")]
        try withRelay(of: scene, options: servers + sentinels) { relay in
            let client = try relay.client()
            #expect(try client.subscribe("c") == .ok)
            try scene.failOver()
            try client.collect(untilState: .down)
            try client.collect(untilState: .up)
            #expect(try scene.master() != 0)
            #expect(try client.publish("c", "x").outcome == .ok)
            try expectHidden(relay)
        }
        let variable = ["env", "HUBRELAY_SENTINEL_PASSWORD=hush-sentinels"]
        try withRelay(of: scene, options: servers, wrapper: variable) { relay in
            _ = try relay.client()
            try expectHidden(relay)
        }
        try withRelay(of: scene, options: sentinels) { relay in
            try relay.awaitDown([.auth], "NOAUTH", "redis://")
            try expectHidden(relay)
        }
    }

    @Test func aPasswordThatSentinelsDoNotTakeIsTold() throws {
        let scene = try SentinelScene(sentinelPassword: "hush-sentinels")
        try withRelay(of: scene) { relay in
            try relay.awaitDown([.auth], "no sentinel reports where", scene.sentinels[0].endpoint, "NOAUTH")
        }
        let path = try file("wrong", "hush-wrong")
        try withRelay(of: scene, options: ["--sentinel-password-file", path]) { relay in
            try relay.awaitDown([.auth], scene.sentinels[2].endpoint, "WRONGPASS")
            try expectHidden(relay)
            try writeFile(path, "hush-sentinels")
            _ = try relay.client()
            #expect(try relay.sentinels().contains { $0.isUp })
            try expectHidden(relay)
        }
    }

    /// A sentinel without a password is commonly given the password of the servers, and accepts it.
    @Test func aPasswordThatNoSentinelWantsDoesNoHarm() throws {
        let scene = try SentinelScene()
        try withRelay(of: scene, options: ["--sentinel-password-file", try file("needless", "hush")]) { relay in
            _ = try relay.client()
            try expectHidden(relay)
        }
    }

    private static let master = ["+sentinel|get-master-addr-by-name", "+subscribe", "+unsubscribe", "&+switch-master"]
    private static let all = master + ["+sentinel|master", "+ping", "+role", "+client|setname"]

    /// The commands that the relay sends to a sentinel, with and without those that it can work without.
    @Test(arguments: [all, all.filter { $0 != "+sentinel|master" }, master])
    func aUserWithTheLeastRightsWillDo(rights: [String]) throws {
        let scene = try SentinelScene()
        for sentinel in scene.sentinels {
            try sentinel.client().run(["ACL", "SETUSER", "relay", "on", ">hush", "-@all", "resetchannels"] + rights)
        }
        let login = ["--sentinel-user", "relay", "--sentinel-password-file", try file("acl", "hush")]
        try withRelay(of: scene, options: login) { relay in
            let client = try relay.client()
            #expect(try client.subscribe("c") == .ok)
            try scene.failOver()
            try client.collect(untilState: .down)
            try client.collect(untilState: .up)
            #expect(try scene.nodes[try scene.master()].client().subscribers(of: "t:c") == 1)
            #expect(client.status.outages == 1)
            try eventually("all sentinels are of use") {
                try relay.sentinels().allSatisfy { $0.isUp && $0.master != nil && $0.reason == nil }
            }
        }
    }

    @Test func aUserThatMayNotAskForTheMasterIsTold() throws {
        let scene = try SentinelScene()
        for sentinel in scene.sentinels {
            let rights = ["-@all", "+subscribe", "+unsubscribe", "+ping", "&+switch-master"]
            try sentinel.client().run(["ACL", "SETUSER", "relay", "on", ">hush"] + rights)
        }
        let login = ["--sentinel-user", "relay", "--sentinel-password-file", try file("acl", "hush")]
        try withRelay(of: scene, options: login) { relay in
            try relay.awaitDown([.auth], "NOPERM", "get-master-addr-by-name", scene.sentinels[0].endpoint)
        }
    }

    private func expectHidden(_ relay: RelayProcess, line: UInt = #line) throws {
        let told = try relay.http("/health").body + relay.process.errors
        #expect(!told.contains("hush"), "line \(line)")
    }
}
