internal import CPosix
internal import Glibc

/// A process, and not merely its number, which another one may have tomorrow (pidfd_open(2), Linux 5.3).
package struct ProcessHandle: ~Copyable {
    package let pid: Int32
    private let descriptor: Descriptor

    /// The process that has this number now. Whoever has a number from somewhere else makes sure, after this, that it still
    /// is of whom it was.
    /// - Throws: `SystemError`: ESRCH where there is none, ENOSYS on kernels that are older.
    package init(pid: Int32) throws(SystemError) {
        let number = hubrelay_pidfd_open(pid)
        guard number >= 0 else { throw .last("find process \(pid)") }
        self.pid = pid
        descriptor = Descriptor(owning: number)
    }

    /// Sends a signal to this process, and never to another one.
    /// - Throws: `SystemError`: ESRCH where it has ended, EPERM where we may not.
    package borrowing func send(signal: Int32) throws(SystemError) {
        guard hubrelay_pidfd_send_signal(descriptor.number, signal) == 0 else {
            throw .last("send signal \(signal) to process \(pid)")
        }
    }
}
