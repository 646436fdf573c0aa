internal import CPosix
internal import Glibc

/// Random bytes of the kernel (getrandom(2)), fit for identifiers and jitter seeds.
package enum SystemRandom {
    /// `count` random bytes. Blocks only in the first moments of a machine's boot.
    package static func bytes(_ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            while initialized < count {
                let result = getrandom(buffer.baseAddress! + initialized, count - initialized, 0)
                if result == -1 && errno == EINTR { continue }
                // Every kernel that runs Swift has getrandom, and it has no other failure for a valid buffer.
                guard result > 0 else { fatalError("getrandom: \(errorText(errno))") }
                initialized += result
            }
        }
    }

    /// 16 random bytes as 32 lower-case hex digits: an id that does not occur twice.
    package static func hexID() -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in bytes(16) {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}
