import Glibc
import TestSupport
import Testing

/// SIGHUP: files that were changed are used from the next connection on, and the next attempt comes at once.
@Suite struct ReloadTests {
    @Test func aPasswordThatWasCorrectedIsUsedWithoutWaitingForTheNextAttempt() throws {
        let redis = try RedisServer(onPort: true)
        try redis.client().run("CONFIG", "SET", "requirepass", "right")
        let directory = try TemporaryDirectory()
        let file = directory.path(of: "password")
        try writeFile(file, "wrong")
        // The next attempt without SIGHUP is very likely to be minutes away.
        let options = ["--redis-password-file", file, "--backoff-min", "100s", "--backoff-max", "100s"]
        let relay = try RelayProcess(redis: redis.url, options: options + ["--backoff-max-refused", "300s"])
        try eventually("AUTH") { try relay.http("/health").body.contains("\"cause\":\"auth\"") }
        removeFile(file)
        relay.process.signal(SIGHUP)
        try eventually("the log names the file") {
            relay.process.errors.contains("not reloaded")
        }
        #expect(relay.process.errors.contains(file))
        try writeFile(file, "right")
        relay.process.signal(SIGHUP)
        let client = try relay.client()
        #expect(try client.publish("c", "x").outcome == .ok)
        try relay.stop()
    }

    /// At the start there are no earlier files to continue with, and a restart repairs nothing.
    @Test func aFileThatCannotBeUsedAtTheStartEndsTheRelayAsAWrongSettingDoes() throws {
        let directory = try TemporaryDirectory()
        let process = try RelayProcess.launch(
            ["serve", "--prefix", "t:", "--socket", directory.path(of: "s"), "--http", "off"]
                + ["--redis", "rediss://localhost", "--redis-ca", directory.path(of: "absent.pem")],
            log: directory.path(of: "relay"))
        #expect(try process.waitForExit() == .code(64))
        #expect(process.errors.contains(directory.path(of: "absent.pem")), "\(process.errors)")
    }

    @Test func certificatesAreReadAgainAndBadOnesChangeNothing() throws {
        let (old, new) = (try TestCA("old"), try TestCA("new"))
        let directory = try TemporaryDirectory()
        let file = directory.path(of: "ca.pem")
        try writeFile(file, textOfFile(old.caFile))
        let redis = try RedisServer(tls: try old.server())
        let relay = try RelayProcess(redis: redis.url, options: ["--redis-ca", file])
        let client = try relay.client()
        let plain = try redis.client()

        try writeFile(file, "no certificate")
        relay.process.signal(SIGHUP)
        try eventually("the log names the file") { relay.process.errors.contains("not reloaded") }
        #expect(relay.process.errors.contains(file))
        #expect(try relay.metric("hubrelay_last_reload_successful") == 0)
        #expect(try client.publish("c", "x").outcome == .ok, "the links are as they were")
        try plain.run("CLIENT", "KILL", "TYPE", "pubsub")
        try client.collect(untilState: .up)

        let renewed = try new.server().certificate
        try plain.run(
            "CONFIG", "SET", "tls-cert-file", renewed.certificateFile, "tls-key-file", renewed.keyFile)
        try plain.run("CLIENT", "KILL", "TYPE", "pubsub")
        try client.collect(untilState: .degraded)
        try eventually("the new one is not trusted yet") {
            try relay.http("/health").body.contains("\"cause\":\"tls\"")
        }
        // This is without SIGHUP: each attempt checks whether the files have changed.
        try writeFile(file, textOfFile(new.caFile))
        try client.collect(untilState: .up)
        #expect(client.status.outages == 2)
        #expect(try relay.metric("hubrelay_last_reload_successful") == 1)
        #expect(relay.process.errors.contains("certificates were read again, because their files have changed"))
        try relay.stop()
    }

    /// The certificates of the tests are valid for 30 days.
    @Test func whenCertificatesEndIsTold() throws {
        let authority = try TestCA()
        let own = try authority.certificate("relay")
        let redis = try RedisServer(tls: try authority.server(clients: .required))
        let relay = try RelayProcess(
            redis: redis.url,
            options: ["--redis-ca", authority.caFile, "--redis-cert", own.certificateFile, "--redis-key", own.keyFile])
        let client = try relay.client()
        try client.ping()
        for name in ["own", "ca", "server"] {
            let end = try relay.metric("hubrelay_tls_not_after_seconds{certificate=\"\(name)\"}")
            #expect(abs(end - Double(time(nil)) - 30 * 86400) < 3600, "\(name)")
        }
        try relay.stop()
    }
}
