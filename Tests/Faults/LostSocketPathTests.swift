import TestSupport
import Testing

/// The path of the socket is removed while the relay lives. Connected clients notice nothing. Nobody else could connect
/// any more: the relay reports that, and repairs it if it can.
@Suite struct LostSocketPathTests {
    @Test func aPathThatIsDeletedIsBoundAgain() throws {
        try withRelay { relay, _ in
            let client = try relay.client()
            let mode = FileStatus(relay.socketPath)?.mode
            for (number, withItsLock) in [false, true].enumerated() {
                removeFile(relay.socketPath)
                if withItsLock { removeFile(relay.socketPath + ".lock") }
                try eventually("the socket is there again") { fileExists(relay.socketPath) }
                try relay.client().ping()
                try eventually("it is told") {
                    relay.process.errors.split(separator: "\n").count { $0.contains("bound again") } == number + 1
                }
            }
            #expect(FileStatus(relay.socketPath)?.mode == mode)
            try client.ping()
            #expect(try relay.http("/livez").status == 200)
            try relay.expectReachable(true)
            // The new lock is held as well.
            let flags = ["--socket", relay.socketPath, "--prefix", "t:", "--http", "off", "--redis", "unix:///nowhere"]
            let second = try RelayProcess.launch(["serve"] + flags, log: relay.directory.path(of: "second"))
            #expect(try second.waitForExit() == .code(1))
            #expect(second.errors.contains("another hubrelay"))
            client.socket.close()
        }
    }

    @Test func aPathThatIsAnothersIsLeftAloneAndTold() throws {
        let stage = try Stage()
        let relay = stage.relay
        let client = try relay.client()
        try relay.process.freeze()
        removeFile(relay.socketPath)
        var listener: UnixListener? = try UnixListener(relay.socketPath)
        let theirs = FileStatus(relay.socketPath)
        relay.process.thaw()
        try eventually("it is told by /livez") { try relay.http("/livez").status == 503 }
        #expect(try relay.http("/livez").body.contains("another program accepts connections there"))
        #expect(try relay.http("/readyz").status == 503)
        #expect(try relay.http("/readyz?redis").status == 503)
        try relay.expectReachable(false)
        #expect(FileStatus(relay.socketPath) == theirs)
        try client.ping()
        let log = { relay.process.errors.split(separator: "\n").filter { $0.contains("nobody can connect") } }
        #expect(log().count == 1 && log()[0].contains("warning"))
        // The other listener ends, and leaves a socket that nobody serves.
        withExtendedLifetime(listener) {}
        listener = nil
        try eventually("apps get in again") { try relay.http("/livez").status == 200 }
        try relay.client().ping()
        try relay.expectReachable(true)
        #expect(log().count == 1)
        try stage.finish()
        #expect(!fileExists(relay.socketPath))
    }

    @Test func aFileInItsPlaceIsNotRemoved() throws {
        try withRelay { relay, _ in
            try relay.process.freeze()
            removeFile(relay.socketPath)
            try writeFile(relay.socketPath, "precious")
            relay.process.thaw()
            try eventually("it is told") { try relay.http("/livez").status == 503 }
            #expect(try relay.http("/livez").body.contains("a regular file"))
            #expect(textOfFile(relay.socketPath) == "precious")
            removeFile(relay.socketPath)
            try eventually("it is bound again") { try relay.http("/livez").status == 200 }
            try relay.client().ping()
        }
    }

    @Test func aDirectoryThatIsGoneIsWaitedFor() throws {
        let directory = try TemporaryDirectory()
        let inner = directory.path(of: "inner")
        makeDirectory(inner)
        let redis = try RedisServer()
        let port = try freePort()
        let relay = try RelayProcess(
            redis: redis.url, directory: directory, name: "inner/relay", options: ["--http", "127.0.0.1:\(port)"])
        try eventually("HTTP listens") { (try? TestSocket(port: port)) != nil }
        let live = { try httpRequest("/livez", at: TestSocket(port: port)) }
        moveFile(inner, to: directory.path(of: "old"))
        try eventually("it is told") { try live().status == 503 }
        #expect(try live().body.contains("there is no directory \(inner)"))
        makeDirectory(inner)
        try eventually("it is bound again") { try live().status == 200 }
        let client = try relay.client()
        try client.ping()
        client.socket.close()
        try relay.stop()
        #expect(!fileExists(relay.socketPath))
    }

    @Test func thePathOfHTTPIsBoundAgainToo() throws {
        try withRelay { relay, _ in
            removeFile(relay.httpPath)
            try eventually("it is there again") { fileExists(relay.httpPath) }
            #expect(try relay.http("/livez").status == 200)
        }
    }
}

extension RelayProcess {
    /// Checks what `/health` and `/metrics` say about whether apps can connect.
    fileprivate func expectReachable(_ isReachable: Bool, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let health = try http("/health")
        #expect(health.status == (isReachable ? 200 : 503), sourceLocation: sourceLocation)
        #expect(health.body.contains("\"reachable\":\(isReachable)"), "\(health.body)", sourceLocation: sourceLocation)
        #expect(try metric("hubrelay_socket_reachable") == (isReachable ? 1 : 0), sourceLocation: sourceLocation)
    }
}
