internal import EventLoop
internal import RESP
internal import RedisWire

/// A connection of an app that talks to Redis itself.
final class RedisConnection: LoadConnection {
    /// The number of names in one SUBSCRIBE.
    private static let namesOfSubscribe = 500

    private let server: RedisServerAddress
    /// Both refer to the connection, but not to each other. Nil only while the connection is being made.
    private var sink: Sink?
    private var reader: ReplyReader?
    /// Redis answers publishes in the order in which they were sent.
    private var nextAnswer: UInt64 = 0

    init(driver: Driver, server: RedisServerAddress, events: ConnectionEvents, number: Int) {
        self.server = server
        super.init(driver: driver, kind: .tcp, events: events, number: number)
        let sink = Sink(self)
        (self.sink, reader) = (sink, ReplyReader(sink: sink))
    }

    override var peer: String { "Redis at \(server)" }

    override func open() {
        connect { [self] in send(RedisCommand.bytes(["PING"])) }
    }

    override func openPublishing(_ template: PublishTemplate, _ stamp: MessageStamp) {
        connect { [self] in publish(template, stamp) }
    }

    private func connect(then body: @escaping () -> Void) {
        connect(to: server.address) { [self] error in
            didConnect(error)
            guard error == nil else { return }
            tuneTCP(userTimeoutMilliseconds: 10_000)
            body()
        }
    }

    override func subscribe(_ indexes: Range<Int>, of names: ChannelNames) {
        var batch = SubscribeBatch()
        var name: [UInt8] = []
        for first in stride(from: indexes.lowerBound, to: indexes.upperBound, by: Self.namesOfSubscribe) {
            batch.begin(.subscribe)
            for index in first..<min(first + Self.namesOfSubscribe, indexes.upperBound) {
                name.removeAll(keepingCapacity: true)
                names.append(index, to: &name)
                name.withUnsafeBytes { batch.append(prefix: UnsafeRawBufferPointer(start: nil, count: 0), name: $0) }
            }
            batch.finish { send(Array($0)) }
        }
    }

    override func read(_ bytes: UnsafeRawBufferPointer) {
        do throws(ReplyError) {
            try reader?.feed(bytes)
        } catch {
            driver.fail("\(peer) sent what cannot be read: \(error)")
        }
    }

    fileprivate func published(isOK: Bool) {
        guard unanswered > 0 else { return driver.fail("\(peer) answered what was not asked") }
        nextAnswer += 1
        answered(id: nextAnswer - 1, isOK: isOK)
    }

    fileprivate func take(_ reply: RedisValue) {
        switch reply {
        case .error(let text) where !isReady || unanswered == 0:
            driver.fail(
                "\(peer) refuses an app without hubrelay: \(text); leave out --redis, and the relay alone is measured")
        case .error: published(isOK: false)
        default: becameReady()
        }
    }
}

private final class Sink: ReplySink {
    private unowned(unsafe) let connection: RedisConnection

    init(_ connection: RedisConnection) { self.connection = connection }

    override func message(channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer) {
        connection.events.received(connection, payload: payload)
    }

    override func confirmation(_ verb: SubscribeVerb, name: UnsafeRawBufferPointer?, count: Int64) {
        connection.confirmed(names: 1)
    }

    override func integer(_ value: Int64) { connection.published(isOK: true) }

    override func reply(_ value: RedisValue) { connection.take(value) }
}
