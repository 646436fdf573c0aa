internal import Glibc

// What proc(5) says about a process that a test started.

extension ChildProcess {
    /// How many file descriptors the process has open.
    package var openDescriptors: Int { descriptorNumbers.count }

    /// The numbers of the process's open descriptors.
    package var descriptorNumbers: [Int] { names(in: "/proc/\(pid)/fd").compactMap { Int($0) } }

    /// The seconds of CPU time that the process has used, user and system, to the precision of the clock tick (10 ms).
    package var cpuSeconds: Double {
        // The second field is the program's name in parentheses, and may contain blanks.
        let fields = textOfFile("/proc/\(pid)/stat").split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return 0 }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// The seconds of CPU time that the process uses while `body` runs.
    package func cpuSecondsTaken(by body: () throws -> Void) rethrows -> Double {
        let before = cpuSeconds
        try body()
        return cpuSeconds - before
    }

    /// The timeout with which the process's first thread waits for descriptors, in milliseconds (the fourth argument of
    /// epoll_wait(2) and epoll_pwait(2)). -1 means no timeout. It is nil while the thread is in no system call. This
    /// assumes that the thread is in no other system call.
    /// - Throws: `TestFailure` where the kernel does not permit reading it (ptrace(2), "Ptrace access mode checking").
    package func waitTimeout() throws -> Int32? {
        let words = textOfFile("/proc/\(pid)/syscall").split(whereSeparator: \.isWhitespace)
        if words.isEmpty { throw TestFailure("/proc/\(pid)/syscall cannot be read") }
        guard words.count > 4, let argument = UInt64(words[4].dropFirst(2), radix: 16) else { return nil }
        return Int32(truncatingIfNeeded: argument)
    }

    /// Stops the process (SIGSTOP) and waits until it has stopped.
    /// - Throws: `TestFailure` when it does not stop.
    package func freeze() throws {
        signal(SIGSTOP)
        try eventually("\(name) has stopped") {
            textOfFile("/proc/\(pid)/stat").split(separator: ")").last?.hasPrefix(" T") == true
        }
    }

    /// Lets the process continue (SIGCONT).
    package func thaw() { signal(SIGCONT) }
}

/// How many connections to a port of the loopback (IPv4) hold bytes that the listening side has not read, as
/// `/proc/net/tcp` says (proc_pid_net(5)).
package func connectionsWithUnreadBytes(at port: UInt16) -> Int {
    textOfFile("/proc/net/tcp").split(separator: "\n").dropFirst().count { line in
        // "0: 0100007F:1CF4 0100007F:A3E2 01 00000000:00000205 ...": both addresses with their ports, the state (1:
        // established), both queues.
        let fields = line.split(separator: " ")
        guard fields.count > 4, fields[3] == "01" else { return false }
        let (local, unread) = (fields[1].split(separator: ":"), fields[4].split(separator: ":"))
        return UInt16(local.last ?? "", radix: 16) == port && UInt64(unread.last ?? "", radix: 16) ?? 0 > 0
    }
}

/// Raises the limit of descriptors of the test process to what the system allows: a test with a thousand connections
/// needs as many descriptors itself.
/// - Returns: the new limit.
@discardableResult
package func raiseDescriptorLimit() -> Int {
    var limits = rlimit()
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    getrlimit(resource, &limits)
    limits.rlim_cur = limits.rlim_max
    setrlimit(resource, &limits)
    return Int(clamping: limits.rlim_cur)
}
