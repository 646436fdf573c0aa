import Testing

@testable import Configuration

/// Whom HTTP tells of single clients, channels and relays.
@Suite struct HTTPDetailsTests {
    @Test func whoAsksDecidesUnlessTheSettingDoes() {
        #expect(HTTPDetails.local.areTold(isOfThisHost: true) && !HTTPDetails.local.areTold(isOfThisHost: false))
        for isOfThisHost in [true, false] {
            #expect(HTTPDetails.anywhere.areTold(isOfThisHost: isOfThisHost))
            #expect(!HTTPDetails.nowhere.areTold(isOfThisHost: isOfThisHost))
        }
    }
}
