package import Configuration

/// Where a link can connect: an endpoint, and for TCP one of the addresses that its host has.
package struct Destination: Equatable, Sendable {
    package var endpoint: RedisConfiguration.Endpoint
    /// A socket address as the I/O layer has it, to which it can connect; nil for a Unix socket.
    package var address: [UInt8]?

    package init(endpoint: RedisConfiguration.Endpoint, address: [UInt8]? = nil) {
        (self.endpoint, self.address) = (endpoint, address)
    }
}
