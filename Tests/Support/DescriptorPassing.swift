internal import Glibc

extension TestSocket {
    /// Writes bytes with file descriptors attached (SCM_RIGHTS of unix(7)). All are duplicates of one descriptor of
    /// this process.
    /// - Parameter count: how many descriptors, at most 253.
    /// - Throws: `TestFailure` when the kernel does not take them.
    package func write(_ bytes: [UInt8], passing count: Int) throws {
        let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer { Glibc.close(null) }
        // Swift does not have the macros for cmsghdr. Its layout is: length, level and type, then the descriptors.
        let head = MemoryLayout<cmsghdr>.size
        let length = head + count * MemoryLayout<Int32>.size
        var control = [UInt8](repeating: 0, count: (length + 7) & ~7)
        control.withUnsafeMutableBytes { buffer in
            buffer.storeBytes(of: cmsghdr(), as: cmsghdr.self)
            buffer.baseAddress!.assumingMemoryBound(to: cmsghdr.self).pointee.cmsg_len = length
            buffer.baseAddress!.assumingMemoryBound(to: cmsghdr.self).pointee.cmsg_level = SOL_SOCKET
            buffer.baseAddress!.assumingMemoryBound(to: cmsghdr.self).pointee.cmsg_type = Int32(SCM_RIGHTS)
            for index in 0..<count { buffer.storeBytes(of: null, toByteOffset: head + index * 4, as: Int32.self) }
        }
        var bytes = bytes
        let sent = bytes.withUnsafeMutableBytes { data in
            control.withUnsafeMutableBytes { control in
                var vector = iovec(iov_base: data.baseAddress, iov_len: data.count)
                return withUnsafeMutablePointer(to: &vector) { vector in
                    var message = msghdr()
                    message.msg_iov = vector
                    message.msg_iovlen = 1
                    message.msg_control = control.baseAddress
                    message.msg_controllen = length
                    return sendmsg(descriptor, &message, Int32(MSG_NOSIGNAL))
                }
            }
        }
        guard sent == bytes.count else { throw TestFailure("sendmsg: \(errnoText())") }
    }
}
