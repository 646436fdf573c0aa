import TestSupport
import Testing

@testable import RelayCore

/// The prefix is removed from names that have it, and from no others.
@Suite struct NameStartTests {
    private func rest(_ name: [UInt8], behind prefix: [UInt8]) -> [UInt8]? {
        name.withUnsafeBytes { NameStart(prefix).rest(of: $0).map(Array.init) }
    }

    @Test func whatFollowsThePrefixIsFoundWhateverTheLengths() {
        for prefixCount in 0..<40 {
            let prefix = (0..<prefixCount).map { UInt8($0 + 1) }
            for nameCount in 0..<20 {
                let name = [UInt8](repeating: 200, count: nameCount)
                #expect(rest(prefix + name, behind: prefix) == name)
            }
        }
    }

    @Test func aNameThatDiffersInAnyByteOfThePrefixHasNone() {
        for prefixCount in 1..<40 {
            let prefix = (0..<prefixCount).map { UInt8($0 + 1) }
            for nameCount in [0, 1, 3, 7, 8, 9, 20] {
                for place in 0..<prefixCount {
                    var name = prefix + [UInt8](repeating: 1, count: nameCount)
                    name[place] ^= 0x80
                    #expect(rest(name, behind: prefix) == nil)
                }
            }
            #expect(rest(Array(prefix.dropLast()), behind: prefix) == nil && rest([], behind: prefix) == nil)
        }
    }
}
