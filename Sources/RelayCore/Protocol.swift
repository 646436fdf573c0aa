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

/// What a Welcome's `features` may name.
package enum Feature {
    /// Patterns can be subscribed to: not with sharded pub/sub.
    package static let patterns = "patterns"
    /// Ping takes `settled`.
    package static let settled = "settled"
    /// Fences: where all messages come from one server, so not on a cluster.
    package static let fence = "fence"
}

package enum Outcome: UInt8, Sendable {
    case ok = 1
    case pending, notConnected, interrupted, refused, invalid, limit
}

package enum State: UInt8, Sendable {
    case up = 1
    case degraded, down, stopping
}

package enum ErrorCode: UInt8, Sendable, CaseIterable {
    case malformed = 1
    case frameTooLarge, helloExpected, version, notAllowed, tooMany, timeout
}

package enum Cause: UInt8, Sendable, CaseIterable {
    case unspecified = 0
    case slowReader = 1
    case tooLarge, badName, notConnected, refused, invalid
    case starting = 16
    case stopping, unreachable, closed, timeout, auth, tls, busy, demoted, probe, malformedReply, topology
    /// A client's own word while it has no connection to a relay. The relay itself never says it.
    case noRelay = 28

    /// The causes that a relay counts and sends.
    package static var ofRelays: [Cause] { allCases.filter { $0 != .noRelay } }

    /// The name in logs, `/health` and metric labels.
    package var label: String {
        switch self {
        case .unspecified: "unspecified"
        case .slowReader: "slow_reader"
        case .tooLarge: "too_large"
        case .badName: "bad_name"
        case .notConnected: "not_connected"
        case .refused: "refused"
        case .invalid: "invalid"
        case .starting: "starting"
        case .stopping: "stopping"
        case .unreachable: "unreachable"
        case .closed: "closed"
        case .timeout: "timeout"
        case .auth: "auth"
        case .tls: "tls"
        case .busy: "busy"
        case .demoted: "demoted"
        case .probe: "probe"
        case .malformedReply: "protocol"
        case .topology: "topology"
        case .noRelay: "no_relay"
        }
    }
}

extension Outcome {
    /// The name in metric labels and in the output of the commands.
    package var label: String {
        switch self {
        case .ok: "ok"
        case .pending: "pending"
        case .notConnected: "not_connected"
        case .interrupted: "interrupted"
        case .refused: "refused"
        case .invalid: "invalid"
        case .limit: "limit"
        }
    }
}

extension State {
    /// The name in `/health`, logs and metric labels.
    package var label: String {
        switch self {
        case .up: "up"
        case .degraded: "degraded"
        case .down: "down"
        case .stopping: "stopping"
        }
    }
}

extension ErrorCode {
    /// The name in logs and metric labels.
    package var label: String {
        switch self {
        case .malformed: "malformed"
        case .frameTooLarge: "frame_too_large"
        case .helloExpected: "hello_expected"
        case .version: "version"
        case .notAllowed: "not_allowed"
        case .tooMany: "too_many"
        case .timeout: "timeout"
        }
    }
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

/// What is wrong with a name in a request.
enum NameFault {
    case empty, tooLong, reserved, fenceLength, fenceOnCluster

    /// - Parameter what: what kind of name it is.
    func text(_ what: String) -> String {
        switch self {
        case .empty: "\(what) is empty"
        case .tooLong: "\(what) is over \(maxNameBytes) bytes"
        case .reserved: "\(what) begins with \(reservedNamePrefix), which is reserved"
        case .fenceLength: "a fence has 1 to \(maxFenceNameBytes) bytes behind \(fenceNamePrefix)"
        case .fenceOnCluster: "there are no fences on a cluster, which has no order of all messages"
        }
    }
}
