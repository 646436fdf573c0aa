internal import CBenchmark
internal import Glibc

/// The processors that processes may run on.
struct Affinity: Equatable {
    /// One bit for each processor, 64 to a word.
    private(set) var mask: [UInt64]

    /// The processors that this process may run on.
    /// - Throws: `BenchmarkFailure` if the kernel does not report them.
    static func own() throws(BenchmarkFailure) -> Affinity {
        var mask = [UInt64](repeating: 0, count: 1024)
        let written = hubrelay_get_affinity(0, &mask, mask.count * 8)
        guard written > 0 else { throw BenchmarkFailure("the kernel does not tell the processors: errno \(-written)") }
        return Affinity(mask: Array(mask.prefix((Int(written) + 7) / 8)))
    }

    init(mask: [UInt64]) { self.mask = mask }

    var count: Int { mask.reduce(0) { $0 + $1.nonzeroBitCount } }

    /// Only the last processor: the first ones have most of the machine's interrupts.
    var last: Affinity {
        var one = Affinity(mask: Array(repeating: 0, count: mask.count))
        if let word = mask.lastIndex(where: { $0 != 0 }) {
            one.mask[word] = 1 << UInt64(63 - mask[word].leadingZeroBitCount)
        }
        return one
    }

    /// Moves all threads of the processes. Threads that have just ended do not matter.
    func apply(to pids: [Int32]) {
        for pid in pids {
            for thread in entries(ofDirectory: "/proc/\(pid)/task").compactMap({ Int32($0) }) {
                _ = hubrelay_set_affinity(thread, mask, mask.count * 8)
            }
        }
    }
}
