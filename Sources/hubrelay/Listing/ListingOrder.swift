internal import RelayCore

/// An order of rows, the same as in the relay. It merges the rows of several answers, each of which is in this order.
struct ListingOrder {
    /// The name of the order in a request.
    let name: String
    let field: String
    /// Whether the field is a name. All others are numbers.
    var isText = false
    /// Whether the largest number comes first.
    var isDescending = true

    init(_ order: ClientOrder) {
        name = order.rawValue
        switch order {
        case .id: (field, isDescending) = ("id", false)
        case .name: (field, isText, isDescending) = ("name", true, false)
        case .age: field = "age_seconds"
        case .channels: field = "channels"
        case .published: field = "published_per_second"
        case .delivered: field = "delivered_per_second"
        case .unread: field = "unread_bytes"
        case .lost: field = "lost"
        }
    }

    init(_ order: ChannelOrder) {
        name = order.rawValue
        switch order {
        case .name: (field, isText, isDescending) = ("name", true, false)
        case .subscribers: field = "subscribers"
        }
    }

    /// All relays of a fleet are in one answer, so nothing is put in order here.
    init(_ order: FleetOrder) { (name, field) = (order.rawValue, order.rawValue) }

    /// The first `limit` rows of several lists. Equal rows stay in the order of the lists.
    func first(_ limit: Int, of rows: [Row]) -> [Row] {
        let ordered = rows.enumerated().sorted { one, other in
            if isText {
                let (first, second) = (one.element[field], other.element[field])
                return first == second ? one.offset < other.offset : first.utf8.lexicographicallyPrecedes(second.utf8)
            }
            let (first, second) = (one.element.number(field), other.element.number(field))
            return first == second ? one.offset < other.offset : (first > second) == isDescending
        }
        return ordered.prefix(limit).map(\.element)
    }
}
