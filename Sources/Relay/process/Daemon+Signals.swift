internal import EventLoop
internal import Glibc

extension Daemon {
    /// SIGTERM and SIGINT stop the process, SIGHUP makes it read files again, and SIGUSR1 turns debug lines on and off.
    func watchSignals() {
        for (number, name) in [(SIGTERM, "SIGTERM"), (SIGINT, "SIGINT")] {
            signals.append(SignalWatcher(loop: loop, signal: number) { [unowned self] in stopRequested(by: name) })
        }
        signals.append(SignalWatcher(loop: loop, signal: SIGHUP) { [unowned self] in reloadRequested() })
        signals.append(SignalWatcher(loop: loop, signal: SIGUSR1) { [unowned self] in switchLogLevel() })
    }
}
