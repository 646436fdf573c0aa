import RelayCore

/// Tests call connections by their numbers.
extension ConnectionID: ExpressibleByIntegerLiteral {
    public init(integerLiteral value: Int) { self.init(index: value) }
}
