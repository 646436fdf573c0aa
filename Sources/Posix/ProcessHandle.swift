internal import CPosix
internal import Glibc

/// A process, and not merely its pid, which another process may have later (pidfd_open(2), Linux 5.3).
package struct ProcessHandle: ~Copyable {
    package let pid: Int32
    private let descriptor: Descriptor

    /// Opens the process that has this pid now. If the pid comes from somewhere else, the caller must check after this
    /// that it still belongs to the intended process.
    /// - Throws: `SystemError`: ESRCH if there is no such process, ENOSYS on older kernels.
    package init(pid: Int32) throws(SystemError) {
        let number = hubrelay_pidfd_open(pid)
        guard number >= 0 else { throw .last("find process \(pid)") }
        self.pid = pid
        descriptor = Descriptor(owning: number)
    }

    /// Sends a signal to this process, and never to another one.
    /// - Throws: `SystemError`: ESRCH if it has ended, EPERM if we may not.
    package borrowing func send(signal: Int32) throws(SystemError) {
        guard hubrelay_pidfd_send_signal(descriptor.number, signal) == 0 else {
            throw .last("send signal \(signal) to process \(pid)")
        }
    }
}
