import TestSupport
import Testing

/// An HTTP server that gives one answer.
private func answering(_ path: String, _ answer: String) throws -> FakeServer {
    try FakeServer { peer in
        let request = try peer.read(until: "\r\n\r\n")
        guard request.hasPrefix("GET \(path) HTTP/1.1\r\nHost: ") else {
            throw TestFailure("no GET: \(request)")
        }
        try peer.send(bytes: Array(answer.utf8))
    }
}

private func response(_ status: String, _ body: String) -> String {
    "HTTP/1.1 \(status)\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
}

private let document =
    #"{"status":"up","reason":"","links":{"publish":{"up":true,"rtt_ms":0.5}},"names":["a b",1]}"#

@Suite struct HealthTests {
    @Test func everyFieldOfTheDocumentIsALine() throws {
        let server = try answering("/health", response("200 OK", document + "\n"))
        let run = try Program.run("health", "--http", "unix:\(server.path)")
        let lines = [
            "status up", #"reason """#, "links.publish.up true", "links.publish.rtt_ms 0.5",
            #"names.0 "a b""#,
            "names.1 1",
        ]
        #expect(run == Run(exit: .code(0), output: lines.map { $0 + "\n" }.joined(), errors: ""))
        try server.finish()
    }

    @Test func jsonIsTheDocumentItself() throws {
        let server = try answering("/health", response("200 OK", document + "\n"))
        let run = try Program.run("health", "--json", environment: ["HUBRELAY_HTTP": "unix:\(server.path)"])
        #expect(run == Run(exit: .code(0), output: document + "\n", errors: ""))
    }

    @Test(arguments: ["503 Service Unavailable", "404 Not Found", "500", "204 No Content", "302 Found"])
    func anythingBut200Fails(status: String) throws {
        let server = try answering("/health", response(status, #"{"status":"down"}"#))
        let run = try Program.run("health", "--http", "unix:\(server.path)")
        #expect(run == Run(exit: .code(1), output: "status down\n", errors: ""))
    }

    @Test(arguments: [
        ("200 OK", "live\n", "live\n", #"{"http_status":200,"text":"live"}"# + "\n", 0),
        ("503 Service Unavailable", "", "HTTP 503\n", #"{"http_status":503,"text":""}"# + "\n", 1),
        ("200 OK", "", "HTTP 200\n", #"{"http_status":200,"text":""}"# + "\n", 0),
        ("502 Bad Gateway", "<p>\n", "HTTP 502 \"<p>\"\n", #"{"http_status":502,"text":"<p>"}"# + "\n", 1),
        (
            "200 OK", "a\n\u{1b}b", #"a\n\u{1b}b"# + "\n", #"{"http_status":200,"text":"a\n\u001bb"}"# + "\n",
            0
        ),
    ])
    func liveAsksForLivezAndPrintsItsText(
        status: String, body: String, text: String, json: String, code: Int
    ) throws {
        for (flags, output) in [(["--live"], text), (["--live", "--json"], json)] {
            let server = try answering("/livez", response(status, body))
            let directory = try TemporaryDirectory()
            let process = try Program.start(
                ["health", "--http", "unix:\(server.path)"] + flags, in: directory)
            #expect(try process.waitForExit() == .code(Int32(code)))
            #expect(process.output == output && process.errors.isEmpty)
            try server.finish()
        }
    }

    @Test func nobodyServing() throws {
        let port = try freePort()
        let run = try Program.run("health", "--http", "127.0.0.1:\(port)")
        #expect(run.exit == .code(1) && run.output.isEmpty)
        #expect(run.errors.hasPrefix("hubrelay: cannot connect to 127.0.0.1:\(port): Connection refused"))
        #expect(
            run.errors.contains(
                "; is hubrelay serving with --http there? Use --http or HUBRELAY_HTTP for another"))
    }

    @Test func withHTTPOffThereIsNothingToAsk() throws {
        let run = try Program.run("health", environment: ["HUBRELAY_HTTP": "off"])
        let line = "hubrelay: --http is off, so there is nothing to ask\n"
        #expect(run == Run(exit: .code(1), output: "", errors: line))
    }

    @Test(arguments: ["", "HTTP/1.1 200 OK\r\nContent-Le"])
    func anAnswerThatDoesNotComeOrEndIsNotWaitedForWithoutEnd(beginning: String) throws {
        let server = try FakeServer { peer in
            _ = try peer.read(until: "\r\n\r\n")
            if !beginning.isEmpty { try peer.send(bytes: Array(beginning.utf8)) }
            try peer.expectEnd()
        }
        let run = try Program.run("health", "--http", "unix:\(server.path)", "--timeout", "300ms")
        let line = "hubrelay: no complete response from unix:\(server.path) within 300ms\n"
        #expect(run == Run(exit: .code(1), output: "", errors: line))
    }

    @Test(arguments: [
        ("", "its response has no complete HTTP header"), ("SSH-2.0-x\r\n\r\n", "its response is not HTTP"),
        ("HTTP/1.1 -1 x\r\n\r\n", "its response is not HTTP"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcd", "its response ends too early"),
    ])
    func whatIsNoHTTPIsNoRelay(answer: String, reason: String) throws {
        let server = try answering("/health", answer)
        let run = try Program.run("health", "--http", "unix:\(server.path)")
        let line = "hubrelay: unix:\(server.path) is not a relay: \(reason)\n"
        #expect(run == Run(exit: .code(1), output: "", errors: line))
    }

    @Test func anAnswerWithoutEndIsCutOff() throws {
        let server = try FakeServer { peer in
            _ = try peer.read(until: "\r\n\r\n")
            while (try? peer.send(bytes: Array(repeating: 0x61, count: 10_000))) != nil {}
        }
        let run = try Program.run("health", "--http", "unix:\(server.path)")
        #expect(run.exit == .code(1) && run.errors.contains("the response from unix:\(server.path) is too long\n"))
    }
}
