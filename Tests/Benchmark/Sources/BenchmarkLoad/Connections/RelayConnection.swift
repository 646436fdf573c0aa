internal import EventLoop
internal import RelayCore

/// An app's connection to the relay's socket.
final class RelayConnection: LoadConnection {
    /// The number of names in one Subscribe.
    private static let namesOfSubscribe = 500

    private let path: String
    private var splitter = FrameSplitter()
    /// The number of names in each unanswered Subscribe, by id. Ids count from 1.
    private var asked: [Int] = []

    init(driver: Driver, path: String, events: ConnectionEvents, number: Int) {
        self.path = path
        super.init(driver: driver, kind: .unix, events: events, number: number)
    }

    override var peer: String { "the relay at \(path)" }

    override func open() {
        connect(toPath: path) { [self] error in
            didConnect(error)
            if error == nil { send(RelayRequests.hello()) }
        }
    }

    /// Hello is needed, but there is no need to wait for its Welcome.
    override func openPublishing(_ template: PublishTemplate, _ stamp: MessageStamp) {
        connect(toPath: path) { [self] error in
            didConnect(error)
            guard error == nil else { return }
            send(RelayRequests.hello())
            publish(template, stamp)
        }
    }

    override func subscribe(_ indexes: Range<Int>, of names: ChannelNames) {
        for first in stride(from: indexes.lowerBound, to: indexes.upperBound, by: Self.namesOfSubscribe) {
            let part = first..<min(first + Self.namesOfSubscribe, indexes.upperBound)
            asked.append(part.count)
            send(RelayRequests.subscribe(part, of: names, id: UInt64(asked.count)))
        }
    }

    override func read(_ bytes: UnsafeRawBufferPointer) {
        do throws(FrameSplitter.Violation) {
            try splitter.feed(bytes, limit: { .max }) { body in
                take(body)
                return .goOn
            }
        } catch {
            driver.fail("\(peer) sent a frame that is none")
        }
    }

    private func take(_ body: UnsafeRawBufferPointer) {
        let event: RelayEvent
        do throws(WireError) {
            event = try RelayEvent.decode(body)
        } catch {
            return driver.fail("\(peer) sent a frame that cannot be read: \(error)")
        }
        switch event {
        case .message(let payload): events.received(self, payload: payload)
        case .reply(let id, let isOK, let detail): reply(id, isOK, detail)
        case .loss(let messages): events.lost(self, messages: Int(messages))
        case .welcome(let isUp, let version):
            driver.relayVersion = version
            if isUp { becameReady() }
        case .status(let isUp): if isUp { becameReady() } else if isReady { driver.fail("\(peer) has lost Redis") }
        case .error(let detail): driver.fail("\(peer) turns a connection away: \(detail)")
        case .revoked: driver.fail("\(peer) has revoked a subscription: Redis no longer allows it")
        case .other: break
        }
    }

    private func reply(_ id: UInt64, _ isOK: Bool, _ detail: UnsafeRawBufferPointer?) {
        if id >= PublishTemplate.firstID { return answered(id: id - PublishTemplate.firstID, isOK: isOK) }
        guard isOK, let index = Int(exactly: id).map({ $0 - 1 }), asked.indices.contains(index) else {
            let reason = detail.map { ": " + String(decoding: $0, as: UTF8.self) } ?? ""
            return driver.fail("\(peer) refused a Subscribe\(reason)")
        }
        confirmed(names: asked[index])
    }
}
