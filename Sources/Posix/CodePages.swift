internal import Glibc

/// The pages of the program's and its libraries' code and constants, which are read from their files when they are
/// first looked at and count as the process's memory from then on.
package enum CodePages {
    /// Lets the kernel have back those that have been read so far. After a set-up that is most of them, and never looked
    /// at again; the others are there again, from the page cache, as soon as they are.
    ///
    /// Nothing is lost by that: a mapping of a file is left as it is when it can be written to, or when any page of it,
    /// swapped out or not, has been replaced by one of the process's own (relocated constants). See madvise(2),
    /// MADV_DONTNEED, and proc(5). Does nothing where /proc is not mounted.
    ///
    /// Only for a process of one thread: a library that another one is loading meanwhile would lose its relocations.
    package static func release() {
        var mapping: Range<UInt>?
        for line in (readWholeFile("/proc/self/smaps") ?? "").split(separator: "\n") {
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            if let range = addresses(fields) {
                mapping = isCode(fields) ? range : nil
            } else if fields.first == "Anonymous:", fields.count > 1, fields[1] != "0" {
                mapping = nil
            } else if fields.first == "Swap:", let found = mapping {  // which comes after it
                mapping = nil
                guard fields.count > 1, fields[1] == "0",
                    let start = UnsafeMutableRawPointer(bitPattern: found.lowerBound)
                else { continue }
                madvise(start, found.count, MADV_DONTNEED)
            }
        }
    }

    /// Of the line that begins a mapping's entry, as `55d0c8a00000-55d0c8b00000 r-xp …`; nil for any other line.
    private static func addresses(_ fields: [Substring]) -> Range<UInt>? {
        guard fields.count >= 5 else { return nil }
        let ends = fields[0].split(separator: "-")
        guard ends.count == 2, let start = UInt(ends[0], radix: 16), let end = UInt(ends[1], radix: 16), start < end
        else {
            return nil
        }
        return start..<end
    }

    /// Whether the mapping is of a file, private, and cannot be written to.
    private static func isCode(_ fields: [Substring]) -> Bool {
        fields.count >= 6 && fields[5].hasPrefix("/") && (fields[1] == "r-xp" || fields[1] == "r--p")
    }
}
