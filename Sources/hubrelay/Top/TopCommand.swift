internal import ArgumentParser
internal import Configuration
internal import Posix
internal import RelayCore

/// `hubrelay top`: the state of a relay and its clients, as they change.
struct TopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top", abstract: "Show a relay and its clients, live.",
        discussion:
            "Keys choose the order: i id, n name, a age, c channels, p published, d delivered, u unread, l lost; "
            + "q or Ctrl-C ends it. If stdin or stdout is not a terminal, it prints once. NO_COLOR turns colours off.")

    @OptionGroup var options: ListingOptions
    @Option(name: .of(.interval), help: .ofOneCall(.interval)) var interval: String?
    @Option(help: .order(ClientOrder.self)) var sort = "delivered"

    func run() throws {
        runReportingFailures { () throws(CommandFailure) in
            let settings = try options.settings(interval: interval)
            let screen = TopScreen(
                order: try listingOrder(sort), address: "\(settings.client.listen)",
                hasColors: (environmentVariable("NO_COLOR") ?? "").isEmpty)
            var top = Top(settings: settings, screen: screen)
            if Terminal.isUsable { try top.runLive() } else { try top.printOnce() }
        }
    }
}

/// One run of `hubrelay top`.
private struct Top {
    let settings: ListingOptions.Settings
    var screen: TopScreen

    /// Takes two samples, so that there are rates, and prints the second one.
    mutating func printOnce() throws(CommandFailure) {
        (screen.hasColors, screen.isLive) = (false, false)
        try takeSample()
        Clock.sleep(nanoseconds: max(settings.interval, 1_000_000_000))
        try takeSample()
        for line in screen.lines(rows: nil, columns: nil) { try StandardStreams.writeOutput(line) }
    }

    mutating func runLive() throws(CommandFailure) {
        do throws(SystemError) {
            let terminal = try Terminal()
            defer { terminal.leave() }
            try terminal.enter()
            var (due, isOver) = (Clock.monotonicNanoseconds(), false)
            while !isOver {
                let now = Clock.monotonicNanoseconds()
                if now >= due {
                    // A relay that does not answer now may answer later.
                    do throws(CommandFailure) {
                        try takeSample()
                        screen.failure = nil
                    } catch { screen.failure = error.lines.first ?? "no answer" }
                    due = Clock.monotonicNanoseconds() + settings.interval
                }
                try draw(on: terminal)
                switch try terminal.next(within: due - min(due, Clock.monotonicNanoseconds())) {
                case .ended: isOver = true
                case .key(let key): (isOver, due) = press(key) ? (true, due) : (false, 0)
                case .resized, .continued, .timeout: break
                }
            }
        } catch {
            throw .failed("\(error)")
        }
    }

    /// - Returns: whether the key ends the command.
    private mutating func press(_ key: UInt8) -> Bool {
        let key = Character(Unicode.Scalar(key))
        if let order = TopScreen.keys.first(where: { $0.key == key })?.order { screen.order = order }
        return key == "q" || key == "Q"
    }

    private func draw(on terminal: Terminal) throws(SystemError) {
        let size = terminal.size
        let lines = screen.lines(rows: size.rows, columns: size.columns)
        // Nothing flickers: each line is cleared after its text, and the screen only below the last line.
        try terminal.draw("\u{1b}[H" + lines.map { $0 + "\u{1b}[K" }.joined(separator: "\r\n") + "\u{1b}[J")
    }

    private mutating func takeSample() throws(CommandFailure) {
        let health = try settings.client.health()
        let rows = try settings.client.rows(
            "/connections", items: "clients", by: ListingOrder(screen.order), limit: settings.limit)
        let sample = TopScreen.Sample(health: health, rows: rows, time: Clock.monotonicNanoseconds())
        (screen.previous, screen.latest) = (screen.latest, sample)
    }
}
