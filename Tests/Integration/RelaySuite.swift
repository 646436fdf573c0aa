import TestSupport
import Testing

/// Gives a suite one Redis and one relay that its tests share. It is for tests that disturb neither. When the suite
/// ends, the relay has to end with exit code 0.
struct SharedRelay: SuiteTrait, TestScoping {
    @TaskLocal static var current: Stage?

    let options: [String]

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let stage = try Stage(options: options)
        _ = try stage.relay.client()  // UP before the first test, which may count the frames that come
        try await SharedRelay.$current.withValue(stage) { try await function() }
        try stage.finish()
    }
}

extension Trait where Self == SharedRelay {
    static func sharedRelay(_ options: String...) -> SharedRelay { SharedRelay(options: options) }
}

/// The relay of the suite that the running test belongs to.
func sharedStage() throws -> Stage {
    guard let stage = SharedRelay.current else { throw TestFailure("the suite has no shared relay") }
    return stage
}
