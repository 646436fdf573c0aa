/// Why the relay closes a connection (PROTOCOL.md, "Error").
package enum ErrorCode: UInt8, Sendable, CaseIterable {
    case malformed = 1
    case frameTooLarge, helloExpected, version, notAllowed, tooMany, timeout
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
