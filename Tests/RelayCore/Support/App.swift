import SwiftProtobuf
import TestSupport
import Testing

@testable import RelayCore

/// An app's connection: the bytes that the relay has not read yet, and those that the app has got. The app reads
/// everything at once, unless it stops reading.
final class App {
    let connection: ConnectionID
    private unowned let rig: HubRig
    /// Written by the app, not read by the relay yet.
    private var unread: [UInt8] = []
    private var hasShutDown = false
    private var isPaused = false
    private var received: [UInt8] = []
    /// Bytes that the kernel has not taken.
    private(set) var backlog = 0
    /// While this is set, the kernel takes nothing. When it is reset, the kernel takes everything.
    var stopsReading = false {
        didSet {
            guard !stopsReading, backlog > 0 else { return }
            backlog = 0
            rig.hub.outboxes.setBacklog(0, of: connection)
        }
    }
    /// How the relay has ended the connection: with an Error's code, or in peace; nil if it has not ended it.
    private(set) var ending: Ending?
    private(set) var isClosed = false

    var isEnded: Bool { ending != nil || isClosed }
    /// Whether nothing has come since frames were last taken.
    var isUnanswered: Bool { received.isEmpty }

    enum Ending: Equatable { case peace, error(ErrorCode) }

    init(connection: ConnectionID, rig: HubRig) { (self.connection, self.rig) = (connection, rig) }

    // MARK: What the app does

    func write(_ bytes: [UInt8]) {
        unread += bytes
        readByRelay()
    }

    func write(_ frames: HubrelayClientFrame...) { write(frames.flatMap(\.bytes)) }

    /// Shuts down the write side.
    func shutDown() {
        hasShutDown = true
        readByRelay()
    }

    /// Closes the connection. The relay does not see it before it has read what was written.
    func close() {
        guard !isClosed else { return }
        readByRelay()
        isClosed = true
        rig.closed(self)
    }

    /// The frames that have come since the last call.
    func takeFrames() -> [HubrelayRelayFrame] {
        let (bodies, rest) = splitFrames(received)
        received = rest
        return bodies.map { body in
            #expect(body.count <= rig.hub.identity.maxFrameBytes, "a frame that no client takes")
            // Bytes that are not a frame are a bug of the relay, or of the test.
            return try! HubrelayRelayFrame(serializedBytes: body)
        }
    }

    // MARK: What the relay's I/O layer does

    /// Reads, unless the hub has asked not to.
    func readByRelay() {
        guard !isClosed, !isPaused, !unread.isEmpty || hasShutDown else { return }
        guard rig.hub.mayProceed(connection) else {
            rig.hub.block(connection)
            isPaused = true
            return
        }
        if !unread.isEmpty {
            let count = min(unread.count, rig.hub.readLimit(connection))
            lending(Array(unread.prefix(count))) { rig.hub.receive($0, from: connection) }
            unread.removeFirst(count)
            isPaused = rig.hub.isBlocked(connection)
            if rig.hub.hasActions { rig.performActions() }
        }
        guard hasShutDown, !isPaused, unread.isEmpty else { return }
        hasShutDown = false
        rig.hub.inputEnded(connection)
    }

    func resumeReading() { isPaused = false }
    func receive(_ bytes: some Collection<UInt8>) {
        received += bytes
        if stopsReading { backlog += bytes.count }
    }
    func ended(_ ending: Ending) { if self.ending == nil { self.ending = ending } }
}
