/// The numbers of the socket protocol, version 1. `proto/PROTOCOL.md` says what each of them means.

/// The one version that this relay speaks.
package let protocolVersion: UInt32 = 1

/// The longest channel or pattern, in bytes.
package let maxNameBytes = 512
/// The longest `client_name`, in bytes.
package let maxClientNameBytes = 64
/// The longest body of the first frame, in bytes.
package let maxHelloBytes = 4096
/// How much longer a frame may be than the largest payload: room for the channel and the fields around it.
package let frameOverheadBytes = 4096
/// The largest id that a client may choose: every language can represent it exactly.
package let maxRequestID: UInt64 = 1 << 53 - 1
/// Names that begin with this are the relay's own.
package let reservedNamePrefix: StaticString = "__hubrelay:"
/// Names that begin with this, and have 1 to `maxFenceNameBytes` more bytes, are fences, which apps may name.
package let fenceNamePrefix: StaticString = "__hubrelay:fence:"
package let maxFenceNameBytes = 64
/// The beginning of the channels that the relay's probes use.
package let probeNamePrefix: StaticString = "__hubrelay:probe:"
/// The beginning of channels on which relays announce themselves to each other; the message's number follows.
package let fleetNamePrefix: StaticString = "__hubrelay:fleet:"
package let fleetChannel = "\(fleetNamePrefix)1"

/// What a Welcome's `features` may name.
package enum Feature {
    /// Patterns can be subscribed to: not with sharded pub/sub.
    package static let patterns = "patterns"
    /// Ping takes `settled`.
    package static let settled = "settled"
    /// Fences. They need all messages to come from one server, so a cluster has none.
    package static let fence = "fence"
}

/// Whether a name begins like the relay's own.
@inline(__always)
package func isReservedName(_ name: UnsafeRawBufferPointer) -> Bool { hasPrefix(name, reservedNamePrefix) }

@inline(__always)
package func hasPrefix(_ name: UnsafeRawBufferPointer, _ prefix: StaticString) -> Bool {
    let count = prefix.utf8CodeUnitCount
    guard name.count >= count else { return false }
    for index in 0..<count where name[index] != prefix.utf8Start[index] { return false }
    return true
}
