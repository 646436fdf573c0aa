internal import CPosix
internal import Glibc

/// The value of an environment variable; nil if it is not set. Bytes that are not UTF-8 are replaced by U+FFFD.
package func environmentVariable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
}

/// The names of all environment variables.
package func environmentVariableNames() -> [String] {
    guard var next = hubrelay_environment() else { return [] }
    var names: [String] = []
    while let entry = next.pointee {
        names.append(String(String(cString: entry).prefix { $0 != "=" }))
        next += 1
    }
    return names
}

/// The name of this host (gethostname(2)), or of the container that it runs in. Empty if the kernel does not say.
package func hostName() -> String {
    var name = [CChar](repeating: 0, count: Int(HOST_NAME_MAX) + 1)
    guard gethostname(&name, name.count - 1) == 0 else { return "" }
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// The id of this process, as it sees itself (getpid(2)).
package func processID() -> Int32 { getpid() }

/// Ends this process at once. In contrast to exit(3), does not wait for the lookup of a host name.
package func endAtOnce(_ code: Int32) -> Never { _exit(code) }

/// Makes a write to a closed pipe or socket fail with EPIPE, instead of ending the process by a signal.
package func ignoreSIGPIPE() {
    signal(SIGPIPE, SIG_IGN)
}

/// Keeps the memory of this process out of core dumps, because it has payloads of apps and passwords of Redis. Other
/// processes of the same user also cannot attach to the process, or read its memory in /proc; root can do both
/// (prctl(2), PR_SET_DUMPABLE; core(5)). From now on its files in /proc belong to root, but it can read them itself.
package func forbidCoreDumps() {
    // Each call fails only for wrong arguments, and one of them is enough.
    _ = hubrelay_set_undumpable()
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    _ = setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
}

/// The limit on open descriptors (RLIMIT_NOFILE, getrlimit(2)).
package enum DescriptorLimit {
    /// Raises the soft limit to the hard one, as far as the kernel allows, and returns the limit that is then in force.
    /// Never fails: if nothing can be raised, it returns the present limit.
    package static func raiseAndGet() -> Int {
        var limits = read()
        if limits.rlim_cur < limits.rlim_max {
            limits.rlim_cur = limits.rlim_max
            _ = setrlimit(resource, &limits)
        }
        return get()
    }

    /// How many descriptors this process has open; nil if /proc is not mounted.
    package static func openCount() -> Int? { ProcessStats.countDescriptors() }

    /// The soft limit in force; `Int.max` if there is none.
    package static func get() -> Int { Int(clamping: read().rlim_cur) }

    private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)

    private static func read() -> rlimit {
        var limits = rlimit()
        let result = getrlimit(resource, &limits)
        // With a valid resource and pointer it cannot fail.
        precondition(result == 0, "getrlimit failed")
        return limits
    }
}

/// Writes all of `bytes` to a descriptor, blocking or not. Waits while it is full. For the output of commands.
/// - Throws: `SystemError`, with EPIPE if the reader has gone.
package func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) throws(SystemError) {
    var written = 0
    while written < bytes.count {
        let result = bytes.withUnsafeBytes { buffer in
            retrying { write(descriptor, buffer.baseAddress! + written, buffer.count - written) }
        }
        if result >= 0 {
            written += result
        } else if errno == EAGAIN {
            var watched = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            _ = retrying { poll(&watched, 1, -1) }
        } else {
            throw .last("write to descriptor \(descriptor)")
        }
    }
}
