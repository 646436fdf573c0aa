import Testing

@testable import RelayCore

/// What a person can do about a cause.
@Suite struct CauseAdviceTests {
    @Test func eachCauseOfThePathHasAdviceAndTheOthersNone() {
        for cause in Cause.allCases {
            let isOfPath = cause.rawValue >= Cause.starting.rawValue && cause != .noRelay
            #expect(!cause.advice.isEmpty == isOfPath, "\(cause)")
        }
    }
}
