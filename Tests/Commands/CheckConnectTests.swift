import TestSupport
import Testing

/// `hubrelay check --connect` over TLS. The Python tests try access lists, sentinels and clusters.
@Suite struct CheckConnectTests {
    @Test func aServerWhoseCertificateIsGoodIsTried() throws {
        let ca = try TestCA()
        let redis = try RedisServer(tls: try ca.server())
        let directory = try TemporaryDirectory()
        let flags = ["--prefix", "x:", "--socket", directory.path(of: "s"), "--http", "off", "--redis", redis.url]
        let good = try Program.run(["check", "--connect", "--redis-ca", ca.caFile] + flags)
        #expect(good.exit == .code(0), "\(good.errors)")
        #expect(good.output.contains(": connected, TLSv1.3\n") && good.output.contains(": probe: ok"))

        let other = try TestCA("another")
        let bad = try Program.run(["check", "--connect", "--redis-ca", other.caFile] + flags)
        #expect(bad.exit == .code(64))
        #expect(bad.errors.hasPrefix("hubrelay: --redis (or HUBRELAY_REDIS): ") && bad.errors.contains("TLS: "))
        #expect(bad.errors.filter { $0 == "\n" }.count == 1)
    }

    @Test func aServerWithoutTLSIsToldAsThat() throws {
        let ca = try TestCA()
        let redis = try RedisServer(onPort: true)
        let directory = try TemporaryDirectory()
        let url = redis.url.replacing("redis://", with: "rediss://")
        let run = try Program.run(
            ["check", "--connect", "--redis-ca", ca.caFile, "--prefix", "x:", "--socket", directory.path(of: "s")]
                + ["--http", "off", "--redis", url, "--connect-timeout", "1s"])
        #expect(run.exit == .code(64))
        #expect(run.errors.contains("does not speak TLS"), "\(run.errors)")
    }
}
