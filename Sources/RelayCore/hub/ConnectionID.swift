/// The identity of an app connection, until its socket is closed and its names have been given up. Then a new
/// connection may get the same `ConnectionID`.
package struct ConnectionID: Hashable, Sendable {
    // Unsigned, so that its use as an index takes no extra instruction.
    private let number: UInt32

    /// - Parameter index: the connection's place in memory that has one for each connection, from 0 on. Places that
    ///   have become free are used before new ones.
    @inline(__always)
    package init(index: Int) { number = UInt32(truncatingIfNeeded: index) }

    /// The connection's place in memory that has one for each connection.
    @inline(__always)
    package var index: Int { Int(number) }
}

/// Memory with a place for each connection. Its owner initializes a place before the first use, and frees the memory.
struct ConnectionSlab<Element: ~Copyable> {
    private let base: UnsafeMutablePointer<Element>

    /// - Parameter alignment: for elements that should lie in as few cache lines as possible.
    init(capacity: Int, alignment: Int = MemoryLayout<Element>.alignment) {
        // Untouched pages of this cost nothing: places that have become free are used before new ones.
        base = UnsafeMutableRawPointer.allocate(
            byteCount: capacity * MemoryLayout<Element>.stride, alignment: alignment
        ).bindMemory(to: Element.self, capacity: capacity)
    }

    func deallocate() { base.deallocate() }

    /// Invariant: the place has an element, or the caller puts one there with `initialize`.
    @inline(__always)
    func pointer(to connection: ConnectionID) -> UnsafeMutablePointer<Element> { base + connection.index }

    @inline(__always)
    subscript(connection: ConnectionID) -> Element {
        unsafeAddress { UnsafePointer(base + connection.index) }
        nonmutating unsafeMutableAddress { base + connection.index }
    }
}
