/// What is reported about connections.
extension Hub {
    /// - Parameters:
    ///   - limit: the largest number of items.
    ///   - after: how many places to skip: the `next` of the previous answer.
    package func clients(by order: ClientOrder, limit: Int, after: Int = 0) -> Listing<ClientFacts> {
        let places = Listing<ClientFacts>.places(after: after, used: connectionsUsed)
        var leading = Leading<ConnectionID>(limit: limit) { self.precedes($0, $1, by: order) }
        for connection in places.lazy.map(ConnectionID.init(index:)) where sessions[connection].phase != .vacant {
            look(at: connection)
            leading.offer(connection)
        }
        return Listing(
            total: connectionCount, lookedAt: places.count,
            next: places.upperBound < connectionsUsed ? places.upperBound : nil, items: leading.inOrder.map(facts))
    }

    /// What is reported about one connection, which must be open.
    package func facts(of connection: ConnectionID) -> ClientFacts {
        let tally = outboxes.tally(connection)
        let stage: ClientFacts.Stage =
            switch sessions[connection].phase {
            case .awaitingHello: .greeting
            case .serving: .serving
            case .ending, .failing, .vacant: .closing
            }
        return ClientFacts(
            connection: connection, number: sessions[connection].number, name: sessions[connection].clientName,
            stage: stage, age: now - min(now, sessions[connection].openedAt),
            channels: sessions[connection].isReleasing ? 0 : sessions[connection].held.count,
            published: sessions[connection].published, delivered: tally.delivered,
            publishedPerSecond: sessions[connection].pace.publishedPerSecond,
            deliveredPerSecond: sessions[connection].pace.deliveredPerSecond, unread: outboxes.unread(connection),
            lost: tally.lost, isHeldBack: stage == .serving && sessions[connection].isBlocked)
    }

    private func look(at connection: ConnectionID) {
        let delivered = outboxes.tally(connection).delivered
        sessions[connection].pace.look(
            published: sessions[connection].published, delivered: delivered,
            openedAt: sessions[connection].openedAt, now: now)
    }

    /// Equal ones are in the order in which they have come.
    private func precedes(_ one: ConnectionID, _ other: ConnectionID, by order: ClientOrder) -> Bool {
        func isMore<Value: Comparable>(_ value: (ConnectionID) -> Value) -> Bool {
            let (first, second) = (value(one), value(other))
            return first == second ? sessions[one].number < sessions[other].number : first > second
        }
        return switch order {
        case .id: sessions[one].number < sessions[other].number
        case .name:
            sessions[one].clientName == sessions[other].clientName
                ? sessions[one].number < sessions[other].number
                : sessions[one].clientName < sessions[other].clientName
        case .age: sessions[one].number < sessions[other].number
        case .channels: isMore { sessions[$0].held.count }
        case .published: isMore { sessions[$0].pace.publishedPerSecond }
        case .delivered: isMore { sessions[$0].pace.deliveredPerSecond }
        case .unread: isMore { outboxes.unread($0) }
        case .lost: isMore { outboxes.tally($0).lost }
        }
    }
}
