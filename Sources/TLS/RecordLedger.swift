/// Computes how much plaintext has certainly not left, from the amount of ciphertext that has not left. Bytes have left
/// once the kernel has taken them. The peer can read a record only when it has the whole record. If a record has left
/// in part, nobody here can know whether the rest will follow. So only records of which nothing has left count.
///
/// The caller must report everything that is sent, in order, and how much of it has left. Then there are entries only
/// for records that have not left: 8 bytes for each record, which itself has at least 22.
package struct RecordLedger {
    private struct Entry {
        var plaintext: UInt32
        var ciphertext: UInt32
    }

    private var entries: [Entry] = []
    /// The number of entries at the start of the array that have left. They are removed when they are half of the
    /// array.
    private var first = 0
    /// Bytes of ciphertext of all remaining entries. The first of these may have left in part.
    private var ciphertext = 0

    package init() {}

    /// Whether everything that was reported has left.
    package var isEmpty: Bool { first == entries.count }

    /// Records that might not have left as a whole.
    package var count: Int { entries.count - first }

    /// Notes a record that follows those noted before.
    /// - Parameters:
    ///   - plaintext: bytes of the caller in the record; 0 for what TLS sends on its own behalf.
    ///   - ciphertext: bytes of the record on the wire, with its header, and of anything that was sent just before it.
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

    /// Bytes of plaintext, at the end of all that was sent, that have certainly not left: those in records that lie
    /// completely within the last `unsent` bytes of ciphertext.
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
