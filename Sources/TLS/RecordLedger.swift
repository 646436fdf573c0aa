/// Tells from ciphertext that never left how much plaintext never left with it. The peer can read a record only when it
/// has all of it, but of a record that has left in part nobody here can say whether the rest will not follow: so only
/// records that are kept back whole count.
///
/// It is to be told of everything that is sent, in order, and of what of it has left; then it holds entries only for
/// what has not: 8 bytes for each record, which itself has 22 at least.
package struct RecordLedger {
    private struct Entry {
        var plaintext: UInt32
        var ciphertext: UInt32
    }

    private var entries: [Entry] = []
    /// What comes before has left. Given back when it is half of the array.
    private var first = 0
    /// Bytes of ciphertext of all entries, the first of which may have left in part.
    private var ciphertext = 0

    package init() {}

    /// Whether everything that it was told of has left.
    package var isEmpty: Bool { first == entries.count }

    /// Records that may not have left whole.
    package var count: Int { entries.count - first }

    /// Notes that a record follows what was noted before.
    /// - Parameters:
    ///   - plaintext: bytes of the caller's in it; 0 for what TLS sends on its own behalf.
    ///   - ciphertext: bytes that it has on the wire, its header included, and those of anything sent just before it.
    package mutating func append(plaintext: Int, ciphertext: Int) {
        guard ciphertext > 0 else { return }
        entries.append(Entry(plaintext: UInt32(plaintext), ciphertext: UInt32(ciphertext)))
        self.ciphertext += ciphertext
    }

    /// Everything but the last `unsent` bytes of ciphertext has left.
    package mutating func drop(allBut unsent: Int) {
        while first < entries.count, ciphertext - Int(entries[first].ciphertext) >= unsent {
            ciphertext -= Int(entries[first].ciphertext)
            first += 1
        }
        if first == entries.count {
            entries.removeAll(keepingCapacity: entries.capacity <= 64)
            first = 0
        } else if first > entries.count / 2 {
            entries.removeFirst(first)
            first = 0
        }
    }

    /// Bytes of plaintext, at the end of all that was sent, whose records lie whole within the last `unsent` bytes of
    /// ciphertext: that many at least never left.
    package func unsentPlaintext(ofUnsentCiphertext unsent: Int) -> Int {
        var (plaintext, left) = (0, unsent)
        for entry in entries[first...].reversed() {
            guard entry.ciphertext <= left else { break }
            left -= Int(entry.ciphertext)
            plaintext += Int(entry.plaintext)
        }
        return plaintext
    }
}
