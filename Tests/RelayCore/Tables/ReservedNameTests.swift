import TestSupport
import Testing

@testable import RelayCore

/// Which channels are a relay's own.
@Suite struct ReservedNameTests {
    @Test func theyAreKnownByTheirBeginning() {
        for name in ["__hubrelay:", "__hubrelay:probe"] { #expect(lending(name) { isReservedName($0) }) }
        for name in ["", "__hubrelay", "_hubrelay:", "__hubrelaY:x", "x__hubrelay:"] {
            #expect(!lending(name) { isReservedName($0) }, "\(name)")
        }
    }

    private func contains(_ channel: String, from start: Int = 0) -> Bool {
        lending(channel) { containsReservedName($0, from: start) }
    }

    @Test func othersAreKnownWhereverTheyStand() {
        for kind in ["probe", "fence", "fleet"] {
            // A letter that the name has, and one that it does not have.
            for (before, letter) in (0..<40).flatMap({ [($0, "a"), ($0, "x")] }) {
                let channel = String(repeating: letter, count: before) + "__hubrelay:\(kind):"
                #expect(contains(channel) && contains(channel + "x"))
                #expect(contains(channel, from: before) && !contains(channel, from: before + 1))
                #expect(!contains(String(channel.dropLast())))
            }
        }
        for channel in ["", ":", "__hubrelay:", "a:__hubrelay:other:x", "__hubrelay:prob:", "_hubrelay:probe:x"] {
            #expect(!contains(channel), "\(channel)")
        }
        #expect(!contains("a", from: 5))
    }

    /// Compares with a search without shortcuts, on text that is made of the same pieces.
    @Test func aNameIsFoundInAnyText() {
        var random = SeededGenerator(seed: 38)
        let pieces = [
            "__hubrelay:probe:", "__hubrelay:", "__hub", "_", "relay:", "fence:", "probe:", "fleet:", ":", "y:", "h",
            "x",
        ]
        var found = 0
        for _ in 0..<20_000 {
            let channel = (0..<Int.random(in: 0...7, using: &random)).reduce(into: "") { text, _ in
                text += pieces.randomElement(using: &random) ?? ""
            }
            let expected = ["probe", "fence", "fleet"].map { "__hubrelay:\($0):" }.contains { channel.contains($0) }
            #expect(contains(channel) == expected, "\(channel)")
            if expected { found += 1 }
        }
        #expect(found > 1000)
    }
}
