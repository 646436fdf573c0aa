import TestSupport
import Testing

/// Gives a suite one cluster that its tests share. It is for tests that do not disturb the cluster. Each test has
/// relays of its own, with a prefix of its own.
struct SharedCluster: SuiteTrait, TestScoping {
    @TaskLocal static var current: ClusterScene?

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let scene = try ClusterScene()
        try await SharedCluster.$current.withValue(scene) { try await function() }
    }
}

extension Trait where Self == SharedCluster {
    static var sharedCluster: SharedCluster { SharedCluster() }
}

/// The cluster of the suite that the running test belongs to.
func sharedCluster() throws -> ClusterScene {
    guard let scene = SharedCluster.current else { throw TestFailure("the suite has no shared cluster") }
    return scene
}

extension ClusterScene {
    /// One channel of each master, in the order of the masters' slots.
    func channelOfEachMaster(_ stem: String = "c", prefix: String) throws -> [String] {
        clusterNames(stem, prefix: prefix, in: try masters().map { try slots(of: $0)[0] })
    }
}

extension TestConnection {
    /// Takes as many messages as are expected, and proves that there are no others.
    /// - Parameter expected: "channel text" for each message, in any order.
    func expectMessages(_ expected: [String], line: UInt = #line) throws {
        let found = try expected.map { _ in
            let message = try expectMessage(line: line)
            return "\(message.channel) \(message.text)"
        }
        guard found.sorted() == expected.sorted() else {
            throw TestFailure("line \(line): expected \(expected), got \(found)")
        }
        try ping(line: line)
        if let frame = try nextIfAny(within: 0) { throw TestFailure("line \(line): one too many: \(frame.summary)") }
    }
}
