internal import FoundationEssentials
internal import SwiftProtobuf
internal import TestSupport

@testable import RelayCore

/// A decoded ClientFrame that owns its bytes, so that the results of our decoder and of the oracle can be compared.
enum OwnedClientFrame: Equatable {
    case hello(version: UInt32, name: [UInt8])
    case publish(channel: [UInt8], payload: [UInt8], id: UInt64)
    case subscribe(id: UInt64, channels: [[UInt8]], patterns: [[UInt8]])
    case unsubscribe(id: UInt64, channels: [[UInt8]], patterns: [[UInt8]])
    case ping(id: UInt64, settled: Bool = false)
}

/// The result of decoding a body.
enum Decoding: Equatable {
    case frame(OwnedClientFrame)
    case noKind
    case malformed
}

extension OwnedClientFrame {
    init(_ frame: ClientFrame) {
        switch frame {
        case .hello(let version, let name): self = .hello(version: version, name: Array(name))
        case .publish(let channel, let payload, let id):
            self = .publish(channel: Array(channel), payload: Array(payload), id: id)
        case .subscribe(let request):
            let (channels, patterns) = Self.names(of: request)
            self = .subscribe(id: request.id, channels: channels, patterns: patterns)
        case .unsubscribe(let request):
            let (channels, patterns) = Self.names(of: request)
            self = .unsubscribe(id: request.id, channels: channels, patterns: patterns)
        case .ping(let id, let settled): self = .ping(id: id, settled: settled)
        }
    }

    init(_ publish: PlainPublish) {
        self = .publish(channel: Array(publish.channel), payload: Array(publish.payload), id: publish.id)
    }

    private static func names(of request: NameRequest) -> (channels: [[UInt8]], patterns: [[UInt8]]) {
        var (channels, patterns): ([[UInt8]], [[UInt8]]) = ([], [])
        request.forEach { name, isPattern in
            if isPattern { patterns.append(Array(name)) } else { channels.append(Array(name)) }
            return true
        }
        precondition(request.count == channels.count + patterns.count)
        return (channels, patterns)
    }

    init(_ frame: HubrelayClientFrame.OneOf_Frame) {
        func bytes(_ texts: [String]) -> [[UInt8]] { texts.map { Array($0.utf8) } }
        switch frame {
        case .hello(let hello): self = .hello(version: hello.version, name: Array(hello.clientName.utf8))
        case .publish(let publish):
            self = .publish(channel: Array(publish.channel.utf8), payload: Array(publish.payload), id: publish.id)
        case .subscribe(let request):
            self = .subscribe(
                id: request.id, channels: bytes(request.channels), patterns: bytes(request.patterns))
        case .unsubscribe(let request):
            self = .unsubscribe(
                id: request.id, channels: bytes(request.channels), patterns: bytes(request.patterns))
        case .ping(let ping): self = .ping(id: ping.id, settled: ping.settled)
        }
    }
}

/// Decodes as the relay does. The body lies in memory of exactly its size.
func decode(_ body: [UInt8]) -> Decoding {
    switch decodeOrError(body) {
    case .success(let frame): frame.map { .frame($0) } ?? .noKind
    case .failure: .malformed
    }
}

func decodeOrError(_ body: [UInt8]) -> Result<OwnedClientFrame?, WireError> {
    lending(body) { body in
        if let publish = PlainPublish(body) { return .success(OwnedClientFrame(publish)) }
        do throws(WireError) {
            return .success(try ClientFrame.decodeAny(body).map(OwnedClientFrame.init))
        } catch { return .failure(error) }
    }
}

/// Decodes with swift-protobuf.
func decodeByOracle(_ body: [UInt8]) -> Decoding {
    guard let frame = try? HubrelayClientFrame(serializedBytes: body) else { return .malformed }
    return frame.frame.map { .frame(OwnedClientFrame($0)) } ?? .noKind
}
