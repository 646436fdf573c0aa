internal import Logging
internal import Posix
internal import RelayCore

/// Notifies the service manager (systemd's sd_notify(3)), if there is one that wants to be notified. A failure to
/// notify it is only logged.
struct ServiceManager {
    private let log: LimitedLog
    /// Nanoseconds within which it expects a sign of life; nil if it expects none.
    private var watchdogInterval: UInt64?
    private var lastSignAt: UInt64 = 0
    private var isReadyTold = false
    private var isThere = false
    /// The text that `systemctl status` shows, and when one was last sent.
    private var shown: (text: String, at: UInt64) = ("", 0)

    /// Nanoseconds from one text to the next. People read them, so that is often enough.
    private static let pace: UInt64 = 1_000_000_000

    init(log: LimitedLog) { self.log = log }

    /// The loop begins to run.
    mutating func start() {
        watchdogInterval = watchdogMicroseconds().map { $0 * 1000 }
        isThere = environmentVariable("NOTIFY_SOCKET")?.isEmpty == false
    }

    /// The process has started. Reported once.
    mutating func ready(now: UInt64) {
        guard !isReadyTold else { return }
        isReadyTold = true
        tell("READY=1", now: now)
    }

    /// The process has begun to stop.
    func stopping(now: UInt64) { tell("STOPPING=1", now: now) }

    /// Reports the state of the relays, for people. Called by the tick. A changed text is sent at once, but a change
    /// within a second after another one is sent at the end of that second.
    mutating func show(_ statuses: [RelayStatus], now: UInt64) {
        guard isThere, now - shown.at >= Self.pace else { return }
        let text = statuses.map(\.serviceText).joined(separator: "; ")
        guard text != shown.text else { return }
        shown.at = now
        if tell("STATUS=\(text)", of: "STATUS", now: now) { shown.text = text }
    }

    /// Reports that the loop runs. Called by the tick.
    mutating func feedWatchdog(now: UInt64) {
        guard let watchdogInterval, now - lastSignAt >= watchdogInterval / 2 else { return }
        lastSignAt = now
        tell("WATCHDOG=1", now: now)
    }

    /// - Parameter kind: what the log calls the message, if not `state` itself.
    /// - Returns: whether the message was sent.
    @discardableResult private func tell(_ state: String, of kind: String? = nil, now: UInt64) -> Bool {
        do {
            return try sdNotify(state)
        } catch {
            log.log(.warning, "\(error)", of: ("state", kind ?? state), now: now)
            return false
        }
    }
}

extension RelayStatus {
    /// `UP`, or `DOWN, TIMEOUT: redis://10.0.0.1:6379, publish link: no answer for 5 s`. It is one line: in the
    /// protocol of sd_notify(3) a second line would be another message, and a part of the text comes from a server.
    var serviceText: String {
        let name = state.label.uppercased()
        switch state {
        case .up: return name
        case .stopping: return "\(name): \(reason)"
        case .degraded, .down:
            let text = "\(name), \(cause.label.uppercased()): \(reason)"
            let printed = text.unicodeScalars.map { scalar -> Unicode.Scalar in
                scalar.properties.generalCategory == .control ? " " : scalar
            }
            return String(String.UnicodeScalarView(printed.prefix(500)))
        }
    }
}
