import TestSupport
import Testing

/// Which users may connect, and how many connections there may be.
@Suite struct LimitsTests {
    @Test func oneConnectionTooManyIsToldSoAndTheOthersAreServed() throws {
        try withRelay(options: ["--max-connections", "3"]) { relay, redis in
            // The relay's first peer, which was the harness, may not have been closed yet.
            try eventually("the harness's own connection is gone") {
                try relay.metric("hubrelay_connections") == 0
            }
            let served = try (0..<3).map { _ in try relay.client() }
            for _ in 0..<3 {
                #expect(try relay.connect().expectError().code == .tooMany)
            }
            for client in served { try client.ping() }
            served[0].socket.close()
            try eventually("there is room again") {
                let client = try relay.connect()
                try client.send(.hello())
                return try client.next().welcome.version == 1
            }
            try served[1].ping()
        }
    }

    @Test func whoIsNotOnTheListMayNotConnect() throws {
        try withRelay(options: ["--allow-uid", "64999", "--allow-gid", "64999"]) { relay, redis in
            let client = try relay.connect()
            #expect(try client.expectError().code == .notAllowed)
        }
    }

    @Test func anyMatchLetsIn() throws {
        let user = ["--allow-uid", "64999", "--allow-uid", "\(currentUserID)", "--allow-gid", "64999"]
        let group = ["--allow-uid", "64999", "--allow-gid", "\(currentGroupID)"]
        for options in [user, group] {
            try withRelay(options: options) { relay, redis in
                try relay.client().ping()
            }
        }
    }

    /// Only root can become another user.
    @Test(.enabled(if: currentUserID == 0)) func aSupplementaryGroupLetsInAsWell() throws {
        let redis = try RedisServer()
        let directory = try TemporaryDirectory()
        directory.openToOthers()
        let relay = try RelayProcess(
            redis: redis.url, directory: directory,
            options: ["--allow-gid", "64999", "--socket-mode", "0666"])
        // Sends Hello and prints the kind of the first frame that comes: 1 is Welcome, 6 is Error.
        let script = """
            import socket, sys
            s = socket.socket(socket.AF_UNIX); s.settimeout(10); s.connect(sys.argv[1])
            s.sendall(bytes([0, 0, 0, 4, 10, 2, 8, 1]))
            print(s.recv(5)[4] >> 3)
            """
        for (groups, kind) in [("64998", 6), ("64998,64999", 1)] {
            let identity = ["--reuid", "65534", "--regid", "65534", "--groups", groups]
            let child = try ChildProcess(
                "setpriv", identity + ["/usr/bin/python3", "-c", script, relay.socketPath],
                log: directory.path(of: groups))
            #expect(try child.waitForExit() == .code(0), "\(child.errors)")
            #expect(child.output == "\(kind)\n")
        }
        try relay.stop()
    }
}
