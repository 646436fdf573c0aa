/// Names by kind, as views into the channel table.
struct NameLists {
    var channels: [UnsafeRawBufferPointer] = []
    var patterns: [UnsafeRawBufferPointer] = []

    /// Bytes of the fields that hold these names.
    var size: Int { (channels + patterns).reduce(0) { $0 + WireWriter.size(ofBytes: $1.count) } }
}
