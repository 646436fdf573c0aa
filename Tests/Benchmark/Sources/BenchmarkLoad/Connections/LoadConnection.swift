internal import EventLoop
internal import Posix

/// What connections report to a run.
class ConnectionEvents {
    /// A publish was answered, and `connection.unanswered` no longer counts it. `id` is the number of the publish on
    /// the connection, from 0.
    func answered(_ connection: LoadConnection, id: UInt64, isOK: Bool) {}
    /// A message has come; `payload` is valid during the call.
    func received(_ connection: LoadConnection, payload: UnsafeRawBufferPointer) {}
    /// The relay has reported messages that it dropped for this connection.
    func lost(_ connection: LoadConnection, messages: Int) {}
    /// Everything that has come in this turn has been reported. What is published now goes out at once.
    func turnEnded() {}
}

/// A client connection of the load. What it sends in one turn of the loop is gathered, and goes out in one write.
class LoadConnection: EventLoop.Stream {
    let driver: Driver
    /// Gets all events. It outlives the connection.
    unowned(unsafe) let events: ConnectionEvents
    /// The number of the connection in its run, from 0.
    let number: Int
    /// Whether the greeting has been answered, and messages can go the whole way.
    private(set) var isReady = false
    /// Publishes that have not been answered.
    var unanswered: Int { Int(published - answered) }
    /// Publishes sent.
    private(set) var published: UInt64 = 0
    /// Publishes answered.
    private var answered: UInt64 = 0
    /// Names whose subscription is in force.
    private(set) var subscribed = 0
    /// When the bytes that are being processed were read: monotonic nanoseconds.
    private(set) var readTime: UInt64 = 0
    private var output = OutputBuffer()

    init(driver: Driver, kind: Kind, events: ConnectionEvents, number: Int) {
        (self.driver, self.events, self.number) = (driver, events, number)
        super.init(loop: driver.loop, kind: kind)
        driver.didOpen(self)
    }

    // MARK: For the two kinds of connections

    /// Connects, and greets once connected.
    func open() {}
    /// Connects, and publishes once connected, with no more greeting than necessary.
    func openPublishing(_ template: PublishTemplate, _ stamp: MessageStamp) {}
    /// Asks for the channels of a range of indexes; `subscribed` grows as they are confirmed.
    func subscribe(_ indexes: Range<Int>, of names: ChannelNames) {}
    func read(_ bytes: UnsafeRawBufferPointer) {}
    /// The name of the other end in errors.
    var peer: String { "" }

    func becameReady() {
        guard !isReady else { return }
        isReady = true
        driver.readyConnections += 1
    }

    func confirmed(names: Int) { subscribed += names }

    func answered(id: UInt64, isOK: Bool) {
        answered += 1
        events.answered(self, id: id, isOK: isOK)
    }

    // MARK: Sending

    @inline(__always)
    func publish(_ template: PublishTemplate, _ stamp: MessageStamp) {
        let place = room(for: template.byteCount)
        template.write(stamp, id: PublishTemplate.firstID + published, to: place)
        published += 1
    }

    func send(_ bytes: [UInt8]) {
        let place = room(for: bytes.count)
        bytes.withUnsafeBytes { place.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
    }

    @inline(__always)
    private func room(for count: Int) -> UnsafeMutableRawPointer {
        if output.isEmpty { driver.willSend(self) }
        return output.room(for: count)
    }

    /// Writes what was gathered.
    func flush() {
        write(output.bytes)
        output.clear()
    }

    // MARK: The stream's events

    /// The callback of `connect`.
    func didConnect(_ error: LoopError?) {
        guard !isClosing else { return }
        do throws(LoopError) {
            if let error { throw error }
            try startReading()
        } catch {
            driver.fail("cannot connect to \(peer): \(LoopError.text(error.code))")
        }
    }

    override func didRead(_ bytes: UnsafeRawBufferPointer) {
        readTime = Clock.monotonicNanoseconds()
        read(bytes)
    }

    override func didEnd(_ error: LoopError?) {
        close()
        driver.fail("\(peer) has closed a connection\(error.map { ": \($0)" } ?? "")")
    }

    override func didFailToSend(_ error: LoopError) { driver.fail("\(peer) takes no more: \(error)") }

    override func didClose() { driver.didClose(self) }
}
