/// An app connection, for as long as its socket is open and its names have not been given up. Then the next one may
/// have it.
package struct ConnectionID: Hashable, Sendable {
    // Without a sign, so that its use as an index takes no instruction of its own.
    private let number: UInt32

    /// - Parameter index: its place in what has a place for each connection; from 0 on, used again from the lowest on.
    @inline(__always)
    package init(index: Int) { number = UInt32(truncatingIfNeeded: index) }

    /// Its place in what has a place for each connection.
    @inline(__always)
    package var index: Int { Int(number) }
}

/// Memory with a place for each connection. Who has it initializes a place before its first use, and frees it all.
struct ConnectionSlab<Element: ~Copyable> {
    private let base: UnsafeMutablePointer<Element>

    /// - Parameter alignment: for elements that are to lie in as few cache lines as may be.
    init(capacity: Int, alignment: Int = MemoryLayout<Element>.alignment) {
        // Untouched pages of this cost nothing: connections have the lowest places that are free.
        base = UnsafeMutableRawPointer.allocate(
            byteCount: capacity * MemoryLayout<Element>.stride, alignment: alignment
        ).bindMemory(to: Element.self, capacity: capacity)
    }

    func deallocate() { base.deallocate() }

    /// Invariant: there is an element, or one is put there by `initialize`.
    @inline(__always)
    func pointer(to connection: ConnectionID) -> UnsafeMutablePointer<Element> { base + connection.index }

    @inline(__always)
    subscript(connection: ConnectionID) -> Element {
        unsafeAddress { UnsafePointer(base + connection.index) }
        nonmutating unsafeMutableAddress { base + connection.index }
    }
}
