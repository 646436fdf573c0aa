internal import ArgumentParser
internal import Configuration
internal import Posix

/// `hubrelay wait`: for start scripts and init containers, which need a relay before they go on.
struct WaitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait", abstract: "Wait until a relay answers, or is up.",
        discussion:
            "Asks over HTTP, again and again, as 'hubrelay health' does. Exit code 0 once the relay is live; with "
            + "--up, once the whole path through Redis works. Exit code 1 if that does not happen in time; "
            + "a line then says what was seen last.")

    @Flag(help: "Wait until the whole path through Redis works.") var up = false
    @Option(name: .of(.longestWait), help: .of(.longestWait)) var max: String?
    @OptionGroup var options: HTTPOptions

    /// Nanoseconds between two requests.
    private static let pause: UInt64 = 100_000_000

    func run() throws {
        runReportingFailures { () throws(CommandFailure) in
            let settings = try options.settings(longestWait: max)
            guard settings.listen != .off else { throw .failed("--http is off, so there is nothing to wait for") }
            let deadline = Clock.monotonicNanoseconds() + settings.longestWait
            while true {
                let seen = ask(settings, before: deadline)
                if seen.isDone { return try StandardStreams.writeOutput(up ? "up" : "live") }
                let now = Clock.monotonicNanoseconds()
                guard now < deadline else {
                    throw .failed(
                        "the relay is not \(up ? "up" : "live") after \(formatDuration(settings.longestWait)); last seen: "
                            + seen.text)
                }
                Clock.sleep(nanoseconds: min(Self.pause, deadline - now))
            }
        }
    }

    /// Asks once. Waits for the answer until the deadline at most, but always at least for `pause`, so that a relay
    /// that is there is noticed.
    private func ask(_ settings: HTTPOptions.Settings, before deadline: UInt64) -> (isDone: Bool, text: String) {
        var settings = settings
        let now = Clock.monotonicNanoseconds()
        settings.timeout = min(settings.timeout, Swift.max(deadline, now + Self.pause) - now)
        do throws(CommandFailure) {
            let response = try settings.get(up ? "/health" : "/livez")
            return (response.status == 200, response.summary)
        } catch {
            return (false, error.lines.joined(separator: "; "))
        }
    }
}

extension HTTPResponse {
    /// The answer on one line. For /health, it is the state, and why that is not up.
    fileprivate var summary: String {
        let text = String(decoding: body, as: UTF8.self)
        guard let fields = try? JSONFields.parse(text) else {
            let words = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
            return "HTTP \(status) \(quoted(words))"
        }
        func field(_ path: String) -> String? {
            fields.first { $0.path == path && !$0.value.isEmpty }.map { escaped($0.value, quotes: false) }
        }
        let state = [field("status"), field("cause")].compactMap(\.self).joined(separator: ", ")
        let reason = field("socket.reason") ?? field("reason")
        return (state.isEmpty ? "HTTP \(status)" : state) + (reason.map { ": \($0)" } ?? "")
    }
}
