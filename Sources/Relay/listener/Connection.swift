internal import Configuration
internal import EventLoop
internal import Posix
internal import RelayCore

/// One app connection, from accept to close: its socket here, its protocol in the hub under `id`.
///
///     accepted ──► serving ──► finishing ──► closed
///         └── refused ────────────┘              (the one teardown is `close`; the reason is logged where it is known)
///
/// *Serving*: the hub decides. *Finishing*: the hub has put its last frame into the outbox. The write side is shut down
/// after that frame, and further input is discarded until the peer closes too or the time to drain is over.
final class Connection: EventLoop.Stream {
    private enum Phase { case accepted, serving, finishing }

    /// The hub's identifier for the connection; nil for a peer that was refused.
    private(set) var id: ConnectionID?
    /// When a finishing connection is closed whatever the peer does.
    private var drainDeadline: Deadline?
    private unowned let relay: Relay
    // Used for each read, so it is kept here and not read from the relay.
    private let hub: Hub
    private var phase = Phase.accepted
    private var isPaused = false
    /// Whether the connection closes without an error as soon as everything is sent.
    private var closesWhenSent = false

    init(relay: Relay) {
        self.relay = relay
        hub = relay.hub
        super.init(loop: relay.loop, kind: .unix)
    }

    /// The credentials of the peer; nil once the socket is closed. They are rarely needed, so the kernel is asked each
    /// time.
    var peer: PeerCredentials? { descriptor.flatMap { try? PeerCredentials(descriptor: $0) } }

    // MARK: Beginning

    /// Serves the connection as the hub's `id`.
    func serve(as id: ConnectionID) {
        self.id = id
        phase = .serving
        resume()
    }

    /// Sends the reason to a peer that is not served, and closes.
    /// - Parameter drains: whether to wait a moment for what the peer is writing, so that it surely reads the Error
    ///   first. Otherwise the peer may find the connection reset.
    func refuse(_ error: [UInt8], drains: Bool) {
        phase = .finishing
        var error = error
        error.withUnsafeMutableBytes { write($0) }
        guard drains else { return close() }
        beginDraining()
        resume()
    }

    // MARK: Reading

    override func readLimit() -> Int {
        guard phase == .serving, let id else { return .max }
        guard hub.mayProceed(id) else {
            hub.block(id)
            pause()
            return 0
        }
        return hub.readLimit(id)
    }

    override func didRead(_ bytes: UnsafeRawBufferPointer) {
        guard phase == .serving, let id else { return }
        hub.receive(bytes, from: id)
        if hub.isBlocked(id) { pause() }
        if hub.isOutputHigh { hub.writeGathered() }
        if hub.hasActions { relay.performActions() }
    }

    override func didEnd(_ error: LoopError?) {
        // A peer that has closed both directions can receive nothing. One that has shut down its write side is owed
        // replies.
        guard error == nil, phase == .serving, let id, !isHungUp, !isWriteBroken else { return close() }
        stopReading()
        hub.inputEnded(id)
    }

    private func pause() {
        isPaused = true
        stopReading()
    }

    /// Reads again, if reading had been stopped.
    func resumeIfPaused() {
        if isPaused { resume() }
    }

    private func resume() {
        isPaused = false
        do throws(LoopError) { try startReading() } catch { close() }
    }

    // MARK: Writing

    /// Sends what the outbox has gathered in this turn.
    /// - Returns: bytes that the kernel has not taken, these and earlier ones.
    func send(_ ranges: UnsafeMutableBufferPointer<OutputRange>) -> Int {
        // An OutputRange has the layout of `struct iovec`, which is needed here.
        if let base = ranges.baseAddress { write(ranges: base, count: ranges.count) }
        return unsent
    }

    override func didSendBacklog() {
        if let id { hub.outboxes.setBacklog(unsent, of: id) }
        closeIfSent()
    }

    override func didFailToSend(_ error: LoopError) {
        guard let id else { return close() }
        // This is not the end yet: complete frames that the app wrote before it closed are still to be processed.
        hub.outboxes.discard(id)
        hub.outboxes.setBacklog(0, of: id)
        if phase == .finishing { close() }
    }

    // MARK: Ending

    /// The hub's last frame for this connection has been written.
    func finish(withError: Bool) {
        guard phase == .serving else { return }
        phase = .finishing
        guard !isWriteBroken else { return close() }
        if withError {
            beginDraining()
            resumeIfPaused()
        } else {
            closesWhenSent = true
            drainDeadline = Deadline(after: relay.configuration.timings.frameTimeout, from: relay.now)
            shutdownWriting()
            closeIfSent()
        }
    }

    private func beginDraining() {
        drainDeadline = Deadline(after: 1_000_000_000, from: relay.now)
        shutdownWriting()
    }

    /// Whether the time to drain of a finishing connection is over.
    var isDrainingOver: Bool { drainDeadline?.isOver(now: relay.now) ?? true }

    /// The loop did not run for this many nanoseconds. They do not count toward the time to drain.
    func forgive(_ nanoseconds: UInt64) { drainDeadline?.forgive(nanoseconds, now: relay.now) }

    private func closeIfSent() {
        if closesWhenSent, unsent == 0 { close() }
    }

    override func didClose() {
        relay.connectionClosed(self)
        id = nil
    }
}
