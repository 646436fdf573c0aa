/// Bytes gathered for one write, in memory that is used again in the next turn.
struct OutputBuffer: ~Copyable {
    private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var count = 0

    deinit { memory.deallocate() }

    var isEmpty: Bool { count == 0 }

    /// What has been gathered, valid until the next call.
    var bytes: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(rebasing: memory[..<count]) }

    /// Where the caller must write the next `added` bytes, all of them.
    @inline(__always)
    mutating func room(for added: Int) -> UnsafeMutableRawPointer {
        if count + added > memory.count { grow(to: count + added) }
        defer { count += added }
        return memory.baseAddress.unsafelyUnwrapped + count
    }

    mutating func clear() { count = 0 }

    private mutating func grow(to needed: Int) {
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: max(needed, memory.count * 2), alignment: 8)
        larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[..<count]))
        memory.deallocate()
        memory = larger
    }
}
