internal import ArgumentParser
internal import Configuration
internal import Glibc
internal import Posix

/// `hubrelay reload`: makes a relay read its files again, and ends when the result is known.
struct ReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload", abstract: "Have a relay read passwords and certificates again.",
        discussion:
            "Asks the relay over HTTP for its process, sends that process SIGHUP, and waits for the result. "
            + "Exit code 0 if everything could be read. Else 1, with the reasons; the relay then keeps what it read "
            + "before.")

    @Option(name: .of(.http), help: .of(.http)) var http: String?
    @Option(name: .of(.timeout), help: .of(.timeout)) var timeout: String?

    /// Nanoseconds between two requests.
    private static let pause: UInt64 = 20_000_000

    func run() throws {
        runReportingFailures { () throws(CommandFailure) in
            let settings = ClientSettings(
                flags: [(.http, http), (.timeout, timeout)], environment: environmentVariable)
            let (listen, nanoseconds) = try configured { () throws(ConfigurationError) in
                (try settings.http(), try settings.timeout())
            }
            guard listen != .off else {
                throw .failed("--http is off, so a relay cannot report the result of a reload; send it SIGHUP instead")
            }
            let before = try RelayReport.ask(listen, timeout: nanoseconds)
            guard before.status != "stopping" else { throw .failed("the relay is stopping") }
            try signal(before, listen)
            let deadline = Clock.monotonicNanoseconds() + nanoseconds
            while true {
                let report = try RelayReport.ask(listen, timeout: nanoseconds)
                guard report.relayID == before.relayID else { throw .failed("another relay answers at \(listen) now") }
                if report.reloads > before.reloads { return try tell(report) }
                guard Clock.monotonicNanoseconds() < deadline else {
                    throw .failed("the relay did not report the result within \(formatDuration(nanoseconds))")
                }
                Clock.sleep(nanoseconds: Self.pause)
            }
        }
    }

    private func tell(_ report: RelayReport) throws(CommandFailure) {
        guard report.isSuccessful else { throw .failed("not reloaded: \(report.problems.joined(separator: "; "))") }
        try StandardStreams.writeOutput("reloaded")
    }

    /// Sends SIGHUP to the process that answers. The pid in its answer is not enough, because it may be from another
    /// pid namespace. The kernel knows which process listens at the relay's sockets, and the service manager knows the
    /// main process of a unit ($MAINPID).
    private func signal(_ report: RelayReport, _ listen: HTTPListen) throws(CommandFailure) {
        do throws(SystemError) {
            // Opened first, so that what is found out next is about this process, and not about a later one with its
            // pid.
            let process = try ProcessHandle(pid: report.pid)
            var witnesses = [environmentVariable("MAINPID").flatMap { Int32($0) }]
            if case .unix(let path) = listen { witnesses.append(listeningProcess(at: path)) }
            witnesses.append(listeningProcess(at: report.socketPath))
            if witnesses.contains(report.pid) { return try process.send(signal: SIGHUP) }
        } catch {
            throw .failed("\(error)")
        }
        throw .failed(
            "the relay says that it is process \(report.pid), but as seen from here that process does not listen at "
                + "\(report.socketPath): it may be in another container or pid namespace; run this command there")
    }
}

/// What a relay says of itself in /health, as far as a reload needs it.
private struct RelayReport {
    var relayID, status, socketPath: String
    var pid: Int32
    /// How often it has been asked to reload.
    var reloads: UInt64
    var isSuccessful: Bool
    var problems: [String]

    static func ask(_ listen: HTTPListen, timeout: UInt64) throws(CommandFailure) -> RelayReport {
        let response = try HTTPClient.get("/health", from: listen, timeout: timeout)
        let fields = (try? JSONFields.parse(String(decoding: response.body, as: UTF8.self))) ?? []
        func value(_ path: String) -> String? { fields.first { $0.path == path }?.value }
        guard let id = value("relay_id"), let pid = value("pid").flatMap({ Int32($0) }),
            let reloads = value("reload.count").flatMap({ UInt64($0) })
        else { throw .failed("\(listen) is not a relay that reports its reloads") }
        return RelayReport(
            relayID: id, status: value("status") ?? "", socketPath: value("socket.path") ?? "", pid: pid,
            reloads: reloads,
            isSuccessful: value("reload.successful") == "true",
            problems: fields.filter { $0.path.hasPrefix("reload.problems.") }.map { escaped($0.value, quotes: false) })
    }
}
