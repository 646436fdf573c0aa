internal import COpenSSL

/// Both ends of the wire as OpenSSL sees them, in place of its own memory BIOs: what has come is read where it lies, and
/// what is to go is gathered in one buffer, which is neither cleared nor given back each time.
///
/// A BIO (an OpenSSL object with functions of our own) refers to it without holding it: it has to outlive the BIO.
final class CiphertextBuffers {
    /// A larger buffer is given back as soon as it is empty; it takes a batch of some hundred KB.
    private static let keptCapacity = 1 << 20

    /// What has come and is not read yet; lent for the time of one call.
    private var input = UnsafeRawBufferPointer(start: nil, count: 0)
    private var output: UnsafeMutableRawPointer?
    private var capacity = 0
    /// Bytes that wait to be sent.
    private(set) var outputCount = 0
    /// The output is lent just now and must stay where it is.
    private(set) var isLending = false

    deinit { output?.deallocate() }

    /// Lends what has come to whoever reads from the BIO, for as long as the call lasts.
    func withInput(_ bytes: UnsafeRawBufferPointer, _ body: () throws(TLSError) -> Void) throws(TLSError) {
        input = bytes
        defer { input = UnsafeRawBufferPointer(start: nil, count: 0) }
        try body()
    }

    /// Whether some of what was lent has not been read yet.
    var hasInput: Bool { input.count > 0 }

    /// Lends what is to be sent and forgets it; the bytes may be changed.
    func takeOutput(_ body: (UnsafeMutableRawBufferPointer) -> Void) {
        guard outputCount > 0, !isLending else { return }
        isLending = true
        body(UnsafeMutableRawBufferPointer(start: output, count: outputCount))
        isLending = false
        outputCount = 0
        if capacity > Self.keptCapacity {
            output?.deallocate()
            (output, capacity) = (nil, 0)
        }
    }

    /// Makes room for so many more bytes at once.
    func reserve(_ count: Int) {
        precondition(!isLending, "nothing is encrypted while the output is lent")
        guard outputCount + count > capacity else { return }
        let larger = max(outputCount + count, 2 * capacity, 2 << 10)
        let moved = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
        if let output {
            moved.copyMemory(from: output, byteCount: outputCount)
            output.deallocate()
        }
        (output, capacity) = (moved, larger)
    }

    private func read(into target: UnsafeMutableRawPointer, _ count: Int) -> Int {
        let taken = min(count, input.count)
        guard taken > 0, let source = input.baseAddress else { return 0 }
        target.copyMemory(from: source, byteCount: taken)
        input = UnsafeRawBufferPointer(rebasing: input[taken...])
        return taken
    }

    private func write(_ source: UnsafeRawPointer, _ count: Int) {
        reserve(count)
        guard let output else { return }
        (output + outputCount).copyMemory(from: source, byteCount: count)
        outputCount += count
    }
}

extension CiphertextBuffers {
    /// The functions that OpenSSL calls, to be freed by `BIO_meth_free` after all of the BIOs made with them; nil when
    /// there is no memory.
    static func makeMethod() -> OpaquePointer? {
        // Without an index of its own, of which a process has 127: one is needed only to find a BIO by its kind.
        guard let method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "hubrelay") else { return nil }
        BIO_meth_set_read(method) { bio, target, count in
            guard let bio, let target, count > 0 else { return 0 }
            let taken = CiphertextBuffers.of(bio).read(into: target, Int(count))
            // Left set, this would make a later failure look like a wait for more.
            hubrelay_bio_set_retry_read(bio, taken == 0 ? 1 : 0)
            return taken == 0 ? -1 : Int32(taken)
        }
        BIO_meth_set_write(method) { bio, source, count in
            guard let bio, let source, count > 0 else { return 0 }
            CiphertextBuffers.of(bio).write(source, Int(count))
            return count
        }
        BIO_meth_set_ctrl(method) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
        return method
    }

    /// A BIO for both directions, owned by the caller; nil when there is no memory.
    func makeBIO(_ method: OpaquePointer) -> OpaquePointer? {
        guard let bio = BIO_new(method) else { return nil }
        BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
        BIO_set_init(bio, 1)
        return bio
    }

    private static func of(_ bio: OpaquePointer) -> CiphertextBuffers {
        Unmanaged<CiphertextBuffers>.fromOpaque(BIO_get_data(bio)).takeUnretainedValue()
    }
}
