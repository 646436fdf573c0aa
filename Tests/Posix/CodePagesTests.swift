import Testing

@testable import Posix

@Suite struct CodePagesTests {
    @Test func whatSetUpHasReadIsGivenBackAndReadAgainWhenItIsNeeded() throws {
        let before = try #require(ProcessStats.read())
        CodePages.release()
        // The code that comes here has to be read again.
        let after = try #require(ProcessStats.read())
        #expect(after.residentBytes < before.residentBytes)
        #expect("\([1, 2, 3].map { String($0, radix: 2) })" == #"["1", "10", "11"]"#)
    }
}
