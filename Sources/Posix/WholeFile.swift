internal import Glibc

/// The content of a file, also of one whose size is not known beforehand, such as those of proc(5); nil if it cannot be
/// read. Bytes that are not UTF-8 are replaced by U+FFFD.
package func readWholeFile(_ path: String) -> String? {
    let number = retrying { open(path, O_RDONLY | O_CLOEXEC) }
    guard number >= 0 else { return nil }
    let descriptor = Descriptor(owning: number)
    var content: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 16 * 1024)
    while true {
        let count = retrying { Glibc.read(descriptor.number, &piece, piece.count) }
        guard count >= 0 else { return nil }
        if count == 0 { return String(decoding: content, as: UTF8.self) }
        content += piece[..<count]
    }
}
