internal import FoundationEssentials
internal import SwiftProtobuf

// The generated types of the contract's schema are the codec of the tests: written by others, from the schema alone,
// they share no mistake with the relay's own codec.

extension HubrelayClientFrame {
    /// Hello with the only version there is.
    package static func hello(version: UInt32 = 1, name: String = "test") -> HubrelayClientFrame {
        .with { frame in
            frame.hello = .with {
                $0.version = version
                $0.clientName = name
            }
        }
    }

    package static func publish(_ channel: String, _ payload: [UInt8], id: UInt64) -> HubrelayClientFrame {
        .with { frame in
            frame.publish = .with {
                $0.channel = channel
                $0.payload = Data(payload)
                $0.id = id
            }
        }
    }

    package static func publish(_ channel: String, _ payload: String, id: UInt64) -> HubrelayClientFrame {
        publish(channel, Array(payload.utf8), id: id)
    }

    package static func subscribe(
        _ channels: [String] = [], patterns: [String] = [], id: UInt64
    ) -> HubrelayClientFrame {
        .with { frame in
            frame.subscribe = .with {
                $0.id = id
                $0.channels = channels
                $0.patterns = patterns
            }
        }
    }

    package static func unsubscribe(
        _ channels: [String] = [], patterns: [String] = [], id: UInt64
    ) -> HubrelayClientFrame {
        .with { frame in
            frame.unsubscribe = .with {
                $0.id = id
                $0.channels = channels
                $0.patterns = patterns
            }
        }
    }

    package static func ping(id: UInt64, settled: Bool = false) -> HubrelayClientFrame {
        .with { frame in
            frame.ping = .with {
                $0.id = id
                $0.settled = settled
            }
        }
    }

    /// The bytes of the whole frame, length included.
    package var bytes: [UInt8] {
        // Encoding fails only beyond 2 GiB.
        framed(try! serializedBytes() as [UInt8])
    }
}

extension HubrelayRelayFrame {
    /// Decodes the body of a frame.
    /// - Throws: what swift-protobuf throws for bytes that are no message.
    package init(body: ArraySlice<UInt8>) throws {
        self = try HubrelayRelayFrame(serializedBytes: Array(body))
    }

    /// One line for messages of failed tests; long payloads are cut.
    package var summary: String {
        if case .message(let message) = frame, message.payload.count > 64 {
            return "message \(message.channel) with \(message.payload.count) bytes"
        }
        return String(debugDescription.split(separator: "\n").joined(separator: " "))
    }
}

extension HubrelayMessage {
    package var bytes: [UInt8] { Array(payload) }
    /// The payload as text, damaged where it is none.
    package var text: String { String(decoding: payload, as: UTF8.self) }
}

/// A body with its length in front: 4 bytes, big endian.
package func framed(_ body: [UInt8]) -> [UInt8] { lengthPrefix(UInt32(body.count)) + body }

/// The four bytes that say how long a body is, whether such a body follows or not.
package func lengthPrefix(_ length: UInt32) -> [UInt8] {
    withUnsafeBytes(of: length.bigEndian) { Array($0) }
}
