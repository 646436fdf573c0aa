import TestSupport
import Testing

/// Several relays that want the same path at the same moment.
@Suite struct SocketRaceTests {
    @Test func ofManyThatStartAtOnceOneTakesThePath() throws {
        let redis = try RedisServer()
        let directory = try TemporaryDirectory()
        let path = directory.path(of: "relay.sock")
        // The socket that a killed relay leaves behind may be taken over.
        _ = try UnixListener(path)
        let flags = ["--socket", path, "--prefix", "t:", "--http", "off", "--redis", redis.url]
        let relays = try (0..<6).map {
            try RelayProcess.launch(["serve"] + flags, log: directory.path(of: "relay\($0)"))
        }
        try eventually("all but one have given up") { relays.count { $0.ended == nil } == 1 }
        let owner = try #require(relays.first { $0.ended == nil })
        for other in relays where other.pid != owner.pid {
            #expect(other.ended == .code(1), "\(other.errors)")
            #expect(other.errors.contains(path))
        }
        try eventually("the one that is left listens") { (try? TestSocket(unix: path)) != nil }
        let client = try TestConnection(path: path)
        try client.hello()
        try client.ping()
        client.socket.close()
        owner.signal(15)
        #expect(try owner.waitForExit() == .code(0), "\(owner.errors)")
        #expect(!fileExists(path))
    }
}
