internal import FoundationEssentials
internal import SwiftProtobuf

// The codec of the tests is generated from the schema of the contract. Others wrote it, from the schema alone, so it
// shares no mistake with the relay's own codec.

extension HubrelayClientFrame {
    /// A Hello, with the only version that exists.
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

    /// The bytes of the whole frame, including its length.
    package var bytes: [UInt8] {
        // Encoding fails only beyond 2 GiB.
        framed(try! serializedBytes() as [UInt8])
    }
}

extension HubrelayRelayFrame {
    /// Decodes the body of a frame.
    /// - Throws: what swift-protobuf throws for bytes that are not a message.
    package init(body: ArraySlice<UInt8>) throws {
        self = try HubrelayRelayFrame(serializedBytes: Array(body))
    }

    /// One line for the messages of failed tests. Long payloads are left out.
    package var summary: String {
        if case .message(let message) = frame, message.payload.count > 64 {
            return "message \(message.channel) with \(message.payload.count) bytes"
        }
        return String(debugDescription.split(separator: "\n").joined(separator: " "))
    }
}

extension HubrelayMessage {
    package var bytes: [UInt8] { Array(payload) }
    /// The payload as text. Bytes that are not UTF-8 are replaced.
    package var text: String { String(decoding: payload, as: UTF8.self) }
}

/// A body, preceded by its length: 4 bytes, big endian.
package func framed(_ body: [UInt8]) -> [UInt8] { lengthPrefix(UInt32(body.count)) + body }

/// The four bytes that give the length of a body, whether or not such a body follows.
package func lengthPrefix(_ length: UInt32) -> [UInt8] {
    withUnsafeBytes(of: length.bigEndian) { Array($0) }
}
