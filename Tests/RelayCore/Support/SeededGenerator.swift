import Glibc

/// A generator with a seed, so that a failure can be repeated: random tests take their seed as an argument, which a
/// failure then shows.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    // SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func int(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

    /// True in one of `n` cases.
    mutating func oneIn(_ n: Int) -> Bool { Int.random(in: 0..<n, using: &self) == 0 }

    mutating func pick<Choices: Collection>(_ choices: Choices) -> Choices.Element {
        choices.randomElement(using: &self)!
    }

    mutating func bytes(_ range: ClosedRange<Int>) -> [UInt8] {
        (0..<int(range)).map { _ in UInt8.random(in: 0...255, using: &self) }
    }

    /// Valid UTF-8 of characters of every length.
    mutating func text(_ range: ClosedRange<Int>) -> String {
        let scalars: [ClosedRange<UInt32>] = [
            0...0x7F, 0x20...0x7E, 0x80...0x7FF, 0x800...0xD7FF, 0xE000...0xFFFF, 0x10000...0x10FFFF,
        ]
        var text = String.UnicodeScalarView()
        for _ in 0..<int(range) {
            text.append(Unicode.Scalar(UInt32.random(in: pick(scalars), using: &self))!)
        }
        return String(text)
    }

    /// Numbers of every length as a varint, and the ends of the range.
    mutating func number() -> UInt64 {
        switch int(0...5) {
        case 0: return 0
        case 1: return pick([1, 127, 128, 16383, 16384, 1 << 32 - 1, 1 << 32, 1 << 53 - 1, 1 << 63, .max])
        default: return next() >> UInt64(int(0...63))
        }
    }
}

/// The seeds of a random test: from 1 on, `count` of them, or as many as `TEST_SEEDS` says.
func seeds(_ count: Int) -> [UInt64] {
    let wanted = getenv("TEST_SEEDS").flatMap { Int(String(cString: $0)) } ?? count
    return (1...max(1, wanted)).map(UInt64.init)
}
