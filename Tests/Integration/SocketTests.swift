import TestSupport
import Testing

/// The path of the socket: what the relay creates there, and what it leaves alone.
@Suite struct SocketTests {
    /// Starts a relay that has to give up. It must end with exit code 64, or the given code, and one line that says
    /// why.
    private func expectRefusal(
        _ socket: String, options: [String] = [], code: Int32 = 64, naming: String? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let directory = try TemporaryDirectory()
        let flags =
            ["--socket", socket, "--prefix", "t:", "--http", "off", "--redis", "unix:///nowhere"] + options
        let relay = try RelayProcess.launch(["serve"] + flags, log: directory.path(of: "refused"))
        let exit = try relay.waitForExit()
        guard exit == .code(code) else {
            Issue.record("ended with \(exit)\n\(relay.errors)", sourceLocation: sourceLocation)
            return
        }
        // A very long path may be cut.
        let said = relay.errors
        #expect(
            said.contains(naming ?? String(socket.prefix(60))), "it is not named: \(said)",
            sourceLocation: sourceLocation)
        // If the relay tried again, there is a second line about that.
        let lines = said.split(separator: "\n")
        #expect(lines.count == (code == 64 ? 1 : 2), "too many lines: \(said)", sourceLocation: sourceLocation)
    }

    @Test(arguments: [0o600, 0o660, 0o666, 0o777]) func theSocketHasTheModeAskedFor(mode: UInt32) throws {
        try withRelay(options: ["--socket-mode", "0" + String(mode, radix: 8)]) { relay, redis in
            let status = try #require(FileStatus(relay.socketPath))
            #expect(status.isSocket)
            #expect(status.mode == mode)
        }
    }

    @Test func withoutAModeItIs0660AndTheGroupIsThatOfTheProcess() throws {
        try withRelay { relay, redis in
            let status = try #require(FileStatus(relay.socketPath))
            #expect(status.mode == 0o660)
            #expect(status.group == currentGroupID)
        }
    }

    /// Only root can give a file to any group.
    @Test(.enabled(if: currentUserID == 0), arguments: [("64999", 64999), ("daemon", 1)])
    func theSocketHasTheGroupAskedFor(group: String, id: UInt32) throws {
        try withRelay(options: ["--socket-group", group]) { relay, redis in
            #expect(FileStatus(relay.socketPath)?.group == id)
        }
    }

    @Test func aStaleSocketIsReplaced() throws {
        let redis = try RedisServer()
        let directory = try TemporaryDirectory()
        let first = try RelayProcess(redis: redis.url, directory: directory)
        let stale = FileStatus(first.socketPath)
        first.process.signal(9)
        try first.process.waitForExit()
        #expect(FileStatus(first.socketPath) == stale, "a killed relay leaves its socket")
        let second = try RelayProcess(redis: redis.url, directory: directory)
        try second.client().ping()
        try second.stop()
        #expect(!fileExists(second.socketPath))
    }

    @Test func aStaleSocketOfAnotherProgramIsReplacedToo() throws {
        let redis = try RedisServer()
        let directory = try TemporaryDirectory()
        _ = try UnixListener(directory.path(of: "relay.sock"))
        #expect(fileExists(directory.path(of: "relay.sock")))
        let relay = try RelayProcess(redis: redis.url, directory: directory)
        try relay.client().ping()
        try relay.stop()
    }

    @Test func theSocketOfALivingRelayIsNotStolen() throws {
        try withRelay { relay, redis in
            let client = try relay.client()
            let before = FileStatus(relay.socketPath)
            try expectRefusal(relay.socketPath, code: 1)
            #expect(FileStatus(relay.socketPath) == before)
            try client.ping()
            try relay.client().ping()
        }
    }

    @Test func theSocketOfAnotherLivingProgramIsNotStolen() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path(of: "relay.sock")
        let listener = try UnixListener(path)
        let before = FileStatus(path)
        try expectRefusal(path)
        #expect(FileStatus(path) == before)
        _ = try TestSocket(unix: path)
        withExtendedLifetime(listener) {}
    }

    @Test func whatIsNoSocketIsNeverRemoved() throws {
        let directory = try TemporaryDirectory()
        let file = directory.path(of: "file")
        try writeFile(file, "precious")
        let link = directory.path(of: "link")
        makeLink(at: link, to: file)
        let inner = directory.path(of: "directory")
        makeDirectory(inner)
        for path in [file, link, inner] { try expectRefusal(path) }
        #expect(textOfFile(file) == "precious")
        #expect(FileStatus(link)?.isSymbolicLink == true)
        #expect(fileExists(inner))
    }

    @Test func aLockThatIsAnotherFileIsNeverWrittenTo() throws {
        let directory = try TemporaryDirectory()
        let file = directory.path(of: "file")
        try writeFile(file, "precious")
        makeHardLink(at: directory.path(of: "relay.sock.lock"), to: file)
        try expectRefusal(directory.path(of: "relay.sock"))
        #expect(textOfFile(file) == "precious")
    }

    @Test func whatStaysWrongEndsWith64() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path(of: "relay.sock")
        try expectRefusal(path, options: ["--socket-group", "no-such-group"], naming: "no group 'no-such-group'")
        let inner = directory.path(of: "inner")
        makeDirectory(inner)
        try expectRefusal(path, options: ["--http", "unix:\(inner)"], naming: "it is a directory")
        try expectRefusal(path, options: ["--http", "unix:/no-such/http.sock"], naming: "no directory /no-such")
        #expect(!fileExists(path))
    }

    @Test func anAddressOfHTTPThatIsTakenMayBeFreeLater() throws {
        try withRelay { relay, redis in
            let directory = try TemporaryDirectory()
            let flags = ["--socket", directory.path(of: "s"), "--prefix", "t:", "--redis", redis.url]
            let other = try RelayProcess.launch(
                ["serve", "--http", "unix:\(relay.httpPath)"] + flags, log: directory.path(of: "other"))
            #expect(try other.waitForExit() == .code(1))
        }
    }

    /// A relay that is about to stop releases its lock within a moment.
    @Test func aPathThatIsInUseIsTriedAgain() throws {
        let redis = try RedisServer()
        let directory = try TemporaryDirectory()
        let old = try RelayProcess(redis: redis.url, directory: directory, options: ["--http", "off"])
        let flags = ["--socket", old.socketPath, "--prefix", "t:", "--http", "off", "--redis", redis.url]
        let new = try RelayProcess.launch(["serve"] + flags, log: directory.path(of: "new"))
        try eventually("it says that it tries again") {
            new.errors.contains("the socket's path is in use: trying again")
        }
        old.process.signal(9)
        try eventually("the new one listens") { new.errors.contains(" listening ") }
        new.signal(15)
        #expect(try new.waitForExit() == .code(0))
    }

    @Test func anAbstractSocketIsNotMadeAFileOf() throws {
        try expectRefusal("@hubrelay-tests-abstract")
        #expect(!fileExists("@hubrelay-tests-abstract") && !fileExists("@hubrelay-tests-abstract.lock"))
    }

    @Test func aPathThatIsTooLongOrNowhereIsAnErrorAtTheStart() throws {
        let directory = try TemporaryDirectory()
        // 107 bytes are possible. 108 are not.
        let room = 107 - directory.path.utf8.count - 1
        let longest = String(repeating: "l", count: room)
        try expectRefusal(directory.path(of: longest + "x"))
        try expectRefusal(directory.path(of: "missing/relay.sock"))
        let redis = try RedisServer()
        let name = String(longest.dropLast(".sock".count))
        let relay = try RelayProcess(redis: redis.url, directory: directory, name: name)
        #expect(relay.socketPath.utf8.count == 107)
        try relay.client().ping()
        try relay.stop()
    }

    @Test func nothingIsLeftBesideTheSocketThatIsStillListenedOn() throws {
        try withRelay { relay, redis in
            let sockets = relay.directory.entries.filter { FileStatus($0)?.isSocket == true }
            #expect(Set(sockets) == [relay.socketPath, relay.httpPath])
        }
    }

    @Test func aStoppingRelayRemovesThePathOnlyIfItIsStillItsOwn() throws {
        let redis = try RedisServer()
        let relay = try RelayProcess(redis: redis.url)
        // The relay is stopped meanwhile, because it might bind the path again in between.
        try relay.process.freeze()
        removeFile(relay.socketPath)
        let another = try UnixListener(relay.socketPath)
        let before = FileStatus(relay.socketPath)
        relay.process.thaw()
        try relay.stop()
        #expect(FileStatus(relay.socketPath) == before)
        withExtendedLifetime(another) {}

        let second = try RelayProcess(redis: redis.url)
        try second.process.freeze()
        removeFile(second.socketPath)
        try writeFile(second.socketPath, "precious")
        second.process.thaw()
        try second.stop()
        #expect(textOfFile(second.socketPath) == "precious")
    }

    @Test func aSuccessorTakesThePathWhileThePredecessorStillServes() throws {
        try withinIdleGrace {
            let redis = try RedisServer()
            let directory = try TemporaryDirectory()
            let old = try RelayProcess(
                redis: redis.url, directory: directory, options: ["--http", "off", "--stop-timeout", "60s"])
            let held = try old.client()
            #expect(try held.subscribe("c") == .ok)
            old.process.signal(15)
            try held.collect(untilState: .stopping)
            // The new relay starts at once: the path is free as soon as STOPPING is reported.
            let new = try RelayProcess(redis: redis.url, directory: directory, options: ["--http", "off"])
            let client = try new.client()
            #expect(client.welcome.relayID != held.welcome.relayID)
            #expect(try client.subscribe("c") == .ok)
            #expect(try held.publish("c", "from the old to both").receivers == 2)
            #expect(try client.expectMessage().text == "from the old to both")
            #expect(try held.expectMessage().text == "from the old to both")
            held.socket.close()
            try old.expectExit()
            try new.client().ping()
            try new.stop()
            #expect(!fileExists(new.socketPath))
        }
    }
}
