internal import Glibc

/// The targets of the fuzz program, which is built once. It runs the target whose name it is called by: each target's
/// name is a link to the program.
enum FuzzTarget: String {
    case replyReader = "reply-reader"
    case clientFrames = "client-frames"
    case urls
    case connectionStrings = "connection-strings"
    case quantities
    case clusterReplies = "cluster-replies"
    case sentinelReplies = "sentinel-replies"
    case hub
    case tlsRecords = "tls-records"
    case http

    func run(_ input: UnsafeRawBufferPointer) {
        switch self {
        case .replyReader: fuzzReplyReader(input)
        case .clientFrames: fuzzClientFrames(input)
        case .urls: fuzzURLs(input)
        case .connectionStrings: fuzzConnectionStrings(input)
        case .quantities: fuzzQuantities(input)
        case .clusterReplies: fuzzClusterReplies(input)
        case .sentinelReplies: fuzzSentinelReplies(input)
        case .hub: fuzzHub(input)
        case .tlsRecords: fuzzTLSRecords(input)
        case .http: fuzzHTTP(input)
        }
    }

    /// What a new bulk string of a target that reads replies may hold; nil: the target's input is not a stream of
    /// replies.
    var replyWords: [String]? {
        switch self {
        case .replyReader:
            [
                "message", "pmessage", "subscribe", "psubscribe", "unsubscribe", "punsubscribe", "smessage",
                "ssubscribe", "sunsubscribe", "", "x",
            ]
        case .clusterReplies: ["10.0.0.1", "node-1", "node-2", "ip", "hostname", "?", "", "::1", "a b"]
        case .sentinelReplies: ["config-epoch", "10.0.0.1", "10.0.0.2", "6379", "6380", "7", "8", "", "a b", "65536"]
        default: nil
        }
    }

    /// The settings that an address may have; nil: the target's input is not an address.
    var addressSettings: [String]? {
        switch self {
        case .urls: []
        case .connectionStrings:
            [
                "abortConnect", "connectRetry", "connectTimeout", "defaultDatabase", "keepAlive", "name", "password",
                "serviceName", "ssl", "sslHost", "sslProtocols", "syncTimeout", "user",
            ]
        default: nil
        }
    }
}

/// Set once, before the first input.
nonisolated(unsafe) private(set) var fuzzTarget = FuzzTarget.replyReader

@_cdecl("LLVMFuzzerInitialize")
public func chooseFuzzTarget(
    _ count: UnsafeMutablePointer<Int32>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>
) -> Int32 {
    let path = arguments.pointee?[0].map { String(cString: $0) } ?? ""
    let name = path.split(separator: "/").last.map(String.init) ?? ""
    guard let target = FuzzTarget(rawValue: name) else {
        print("\(name) is no fuzz target: call the program by a target's name, as Tests/Fuzz/run does")
        exit(64)
    }
    fuzzTarget = target
    return 0
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafeRawPointer?, _ count: Int) -> Int32 {
    fuzzTarget.run(UnsafeRawBufferPointer(start: start, count: count))
    return 0
}

@_cdecl("LLVMFuzzerCustomMutator")
public func mutateInput(_ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ maxSize: Int, _ seed: UInt32) -> Int {
    if let words = fuzzTarget.replyWords { return mutateReplies(data, size, maxSize, seed: seed, words: words) }
    if let settings = fuzzTarget.addressSettings {
        return mutateAddress(data, size, maxSize, seed: seed, settings: settings)
    }
    return mutateBytes(data, size, maxSize)
}

/// libFuzzer's own function that changes bytes.
@_silgen_name("LLVMFuzzerMutate")
func mutateBytes(_ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ maxSize: Int) -> Int
