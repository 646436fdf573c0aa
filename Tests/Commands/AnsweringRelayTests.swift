import TestSupport
import Testing

/// There are two relays on one host, and the command shows which of them answered.
@Suite struct AnsweringRelayTests {
    @Test func healthSaysWhoAnswers() throws {
        try withRelay { relay, _ in
            let run = try Program.run("health", "--http", "unix:\(relay.httpPath)")
            for line in ["socket.path \(relay.socketPath)", "prefix \(relay.prefix)", "pid \(relay.process.pid)"] {
                #expect(run.output.contains("\n\(line)\n"), "\(run.output)")
            }
        }
    }

    @Test func theOtherOnesAnswerIsAFailure() throws {
        let redis = try RedisServer()
        let directory = try TemporaryDirectory()
        let one = try RelayProcess(redis: redis.url, prefix: "a:", directory: directory, name: "one")
        let two = try RelayProcess(redis: redis.url, prefix: "b:", directory: directory, name: "two")
        for path in ["/health", "/livez"] {
            let live = path == "/livez" ? ["--live"] : []
            for environment in [["HUBRELAY_SOCKET": two.socketPath], [:]] {
                let socket = environment.isEmpty ? ["--socket", two.socketPath] : []
                let run = try Program.run(
                    ["health", "--http", "unix:\(one.httpPath)"] + live + socket, environment: environment)
                #expect(run.exit == .code(1) && run.output.isEmpty)
                #expect(
                    run.errors == "hubrelay: the relay at unix:\(one.httpPath) serves another socket: "
                        + "\"\(one.socketPath)\", with prefix \"a:\" and pid \(one.process.pid), not "
                        + "\"\(two.socketPath)\"; use --http or HUBRELAY_HTTP for another address\n")
            }
            let right = try Program.run(
                ["health", "--http", "unix:\(two.httpPath)", "--socket", two.socketPath] + live)
            #expect(right.errors.isEmpty && !right.output.isEmpty)
        }
        try one.stop()
        try two.stop()
    }

    /// For example, a folder is mounted elsewhere. The socket itself shows which relay it belongs to.
    @Test func anotherPathToTheSameSocketIsTheSameRelay() throws {
        try withRelay { relay, _ in
            let link = relay.directory.path(of: "link.sock")
            makeLink(at: link, to: relay.socketPath)
            let run = try Program.run("health", "--live", "--http", "unix:\(relay.httpPath)", "--socket", link)
            #expect(run == Run(exit: .code(0), output: "live\n", errors: ""))
            removeFile(link)
            let gone = try Program.run("health", "--live", "--http", "unix:\(relay.httpPath)", "--socket", link)
            #expect(gone.exit == .code(1))
            #expect(gone.errors.contains(", and \(link) does not answer (cannot connect to \(link): No such file"))
        }
    }

    @Test func whoDoesNotSayWhichSocketItServesIsNotTakenForIt() throws {
        let body = #"{"status":"up"}"#
        let server = try FakeServer { peer in
            _ = try peer.read(until: "\r\n\r\n")
            let head = "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
            try peer.send(bytes: Array((head + body).utf8))
        }
        let run = try Program.run("health", "--http", "unix:\(server.path)", "--socket", "/run/relay.sock")
        #expect(run.exit == .code(1) && run.output.isEmpty)
        #expect(
            run.errors.hasPrefix("hubrelay: the server at unix:\(server.path) does not say which socket it serves"))
    }
}
