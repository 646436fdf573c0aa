/// The parameters of a listing, from the query: `sort=unread&limit=20&after=0`, in any order, each at most once.
struct ListQuery<Order: RawRepresentable & CaseIterable>: Sendable
where Order.RawValue == String, Order.AllCases: Sendable, Order: Sendable {
    var order: Order
    var limit = 100
    var after = 0

    static var limits: ClosedRange<Int> { 1...1000 }
    static var places: ClosedRange<Int> { 0...1_000_000_000 }

    /// - Parameter query: what follows the first "?" of the target; "" if there is none.
    /// - Throws: `InvalidQuery` with what is wrong, and what is allowed.
    init(_ query: String, orElse order: Order) throws(InvalidQuery) {
        self.order = order
        var names: Set<Substring> = []
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let (name, value) = (parts[0], parts.count == 2 ? String(parts[1]) : "")
            guard names.insert(name).inserted else { throw InvalidQuery("a parameter appears twice; allowed: once") }
            switch name {
            case "sort":
                guard let order = Order(rawValue: value) else {
                    let orders = Order.allCases.map(\.rawValue).joined(separator: ", ")
                    throw InvalidQuery("sort has an unknown value; allowed: \(orders)")
                }
                self.order = order
            case "limit": limit = try Self.number("limit", value, in: Self.limits)
            case "after": after = try Self.number("after", value, in: Self.places)
            default: throw InvalidQuery("an unknown parameter; allowed: sort, limit, after")
            }
        }
    }

    private static func number(
        _ name: String, _ text: String, in range: ClosedRange<Int>
    ) throws(InvalidQuery) -> Int {
        guard text.utf8.allSatisfy({ 48...57 ~= $0 }), let value = Int(text), range.contains(value) else {
            throw InvalidQuery("\(name) has a wrong value; allowed: \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }
}

/// Why a query cannot be answered. The text repeats nothing of the query.
struct InvalidQuery: Error, Equatable {
    let reason: String

    init(_ reason: String) { self.reason = reason }
}
