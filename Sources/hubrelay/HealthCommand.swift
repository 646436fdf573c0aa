internal import ArgumentParser
internal import Configuration
internal import Posix
internal import TextFormats

/// `hubrelay health`: asks a relay's HTTP side, and exits with the code that a container's health check expects.
struct HealthCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health", abstract: "Ask a relay whether it is well.",
        discussion:
            "Exit code 0 if the whole path through Redis works; with --live, if the relay itself runs. "
            + "Else 1, also if --socket or HUBRELAY_SOCKET names a socket and another relay answers. "
            + "The output says which relay answered: socket.path, prefix and pid.")

    @Flag(help: "Ask only whether the relay runs, whatever Redis does.") var live = false
    @OptionGroup var options: HTTPOptions
    @Flag(help: "Print the relay's own JSON.") var json = false

    func run() throws {
        runReportingFailures { () throws(CommandFailure) in
            let response = try options.settings().get(live ? "/livez" : "/health")
            try printSummary(response)
            guard response.status == 200 else { throw .reported() }
        }
    }

    /// Prints the document as it is, or all its fields, one per line. An answer that is not JSON, such as that of
    /// /livez, is printed as one line.
    private func printSummary(_ response: HTTPResponse) throws(CommandFailure) {
        var text = String(decoding: response.body, as: UTF8.self)
        while let last = text.last, last.isWhitespace { text.removeLast() }
        guard let fields = try? JSONFields.parse(text) else {
            return try StandardStreams.writeOutput(json ? response.jsonLine(text) : response.textLine(text))
        }
        if json { return try StandardStreams.writeOutput(text) }
        for field in fields {
            let (path, value) = (TextLine.plainOrQuoted(field.path), TextLine.plainOrQuoted(field.value))
            try StandardStreams.writeOutput("\(path) \(value)")
        }
    }
}

extension HTTPResponse {
    /// `live`, or `HTTP 503 "not yet"`.
    fileprivate func textLine(_ text: String) -> String {
        if status == 200, !text.isEmpty { return escaped(text, quotes: false) }
        var line = TextLine("HTTP \(status)")
        if !text.isEmpty { line.addQuoted(text) }
        return line.text
    }

    fileprivate func jsonLine(_ text: String) -> String {
        var json = JSONWriter()
        json.object { json in
            json.member("http_status", UInt64(status))
            json.member("text", text)
        }
        return json.text
    }
}
