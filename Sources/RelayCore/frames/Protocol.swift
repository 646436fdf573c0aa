/// The numbers of the socket protocol, version 1. `proto/PROTOCOL.md` says what each of them means.

/// The one version that this relay speaks.
package let protocolVersion: UInt32 = 1

/// The longest channel or pattern, in bytes.
package let maxNameBytes = 512
/// The longest `client_name`, in bytes.
package let maxClientNameBytes = 64
/// The longest body of the first frame, in bytes.
package let maxHelloBytes = 4096
/// What a frame may be longer than the largest payload: room for the channel and the fields around it.
package let frameOverheadBytes = 4096
/// The largest id a client may choose: every language has an exact number for it.
package let maxRequestID: UInt64 = 1 << 53 - 1
/// Names that begin so are the relay's own.
package let reservedNamePrefix: StaticString = "__hubrelay:"
/// Names that begin so, with 1 to `maxFenceNameBytes` more bytes, are fences, which apps may name.
package let fenceNamePrefix: StaticString = "__hubrelay:fence:"
package let maxFenceNameBytes = 64
/// The relay's probes go by channels that begin so.
package let probeNamePrefix: StaticString = "__hubrelay:probe:"
/// Channels on which relays announce themselves to each other begin so; the number behind it is that of the message.
package let fleetNamePrefix: StaticString = "__hubrelay:fleet:"
package let fleetChannel = "\(fleetNamePrefix)1"

/// What a Welcome's `features` may name.
package enum Feature {
    /// Patterns can be subscribed to: not with sharded pub/sub.
    package static let patterns = "patterns"
    /// Ping takes `settled`.
    package static let settled = "settled"
    /// Fences: where all messages come from one server, so not on a cluster.
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
