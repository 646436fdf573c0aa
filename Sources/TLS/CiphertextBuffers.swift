internal import COpenSSL

/// The input and the output of a TLS session, in place of OpenSSL's own memory BIOs. Input is read where it lies.
/// Output is gathered in one buffer, which is neither cleared nor freed each time.
///
/// A BIO (an OpenSSL object with functions of our own) refers to this object without retaining it: this object must
/// outlive the BIO.
final class CiphertextBuffers {
    /// A larger buffer is freed as soon as it is empty. This size holds a batch of some hundred KB.
    private static let keptCapacity = 1 << 20

    /// Ciphertext from the peer that is not read yet; lent for the time of one call.
    private var input = UnsafeRawBufferPointer(start: nil, count: 0)
    private var output: UnsafeMutableRawPointer?
    private var capacity = 0
    /// Bytes that wait to be sent.
    private(set) var outputCount = 0
    /// The output is lent just now and must stay where it is.
    private(set) var isLending = false

    deinit { output?.deallocate() }

    /// Lends input to the BIO, from which OpenSSL reads it, for as long as the call lasts.
    func withInput(_ bytes: UnsafeRawBufferPointer, _ body: () throws(TLSError) -> Void) throws(TLSError) {
        input = bytes
        defer { input = UnsafeRawBufferPointer(start: nil, count: 0) }
        try body()
    }

    /// Whether some of what was lent has not been read yet.
    var hasInput: Bool { input.count > 0 }

    /// Lends the output to `body`, which may change the bytes, and then forgets it.
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

    /// Makes room for `count` more bytes at once.
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
    /// The table of functions that OpenSSL calls; nil if memory is short. Free it by `BIO_meth_free` after all BIOs
    /// that were made with it.
    static func makeMethod() -> OpaquePointer? {
        // The type has no index of its own: a process has only 127, and an index serves only to find a BIO by its type.
        guard let method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "hubrelay") else { return nil }
        BIO_meth_set_read(method) { bio, target, count in
            guard let bio, let target, count > 0 else { return 0 }
            let taken = CiphertextBuffers.of(bio).read(into: target, Int(count))
            // If the flag stayed set, a later failure would look like a wait for more input.
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
