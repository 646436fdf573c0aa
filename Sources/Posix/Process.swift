internal import CPosix
internal import Glibc

/// The value of an environment variable; nil if it is not set. Bytes that are not UTF-8 are replaced by
/// U+FFFD.
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

/// What this host is called (gethostname(2)); in a container, what that is called. Empty where the kernel does not say.
package func hostName() -> String {
    var name = [CChar](repeating: 0, count: Int(HOST_NAME_MAX) + 1)
    guard gethostname(&name, name.count - 1) == 0 else { return "" }
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// The id of this process, as it sees itself (getpid(2)).
package func processID() -> Int32 { getpid() }

/// Ends this process without what exit(3) does, which waits for a host name that is being looked up.
package func endAtOnce(_ code: Int32) -> Never { _exit(code) }

/// Makes writing to a closed pipe or socket the error EPIPE, in place of the signal that ends the process.
package func ignoreSIGPIPE() {
    signal(SIGPIPE, SIG_IGN)
}

/// Keeps the memory of this process out of core dumps: payloads of apps and passwords of Redis are in it. Other
/// processes of the same user cannot attach to it either, nor read its memory in /proc; root can do both (prctl(2),
/// PR_SET_DUMPABLE; core(5)). Its files in /proc belong to root from here on, but it can read them itself.
package func forbidCoreDumps() {
    // Each fails for wrong arguments only, and either is enough.
    _ = hubrelay_set_undumpable()
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    _ = setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
}

/// The limit on open descriptors (RLIMIT_NOFILE, getrlimit(2)).
package enum DescriptorLimit {
    /// Raises the soft limit to the hard one, as far as the kernel allows, and tells what is then in force.
    /// Never fails: where nothing can be raised, what is there is told.
    package static func raiseAndGet() -> Int {
        var limits = read()
        if limits.rlim_cur < limits.rlim_max {
            limits.rlim_cur = limits.rlim_max
            _ = setrlimit(resource, &limits)
        }
        return get()
    }

    /// How many descriptors this process has open; nil where /proc is not mounted.
    package static func openCount() -> Int? { ProcessStats.countDescriptors() }

    /// The soft limit in force; `Int.max` where there is none.
    package static func get() -> Int { Int(clamping: read().rlim_cur) }

    private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)

    private static func read() -> rlimit {
        var limits = rlimit()
        let result = getrlimit(resource, &limits)
        // With a valid resource and pointer it has no failure.
        precondition(result == 0, "getrlimit failed")
        return limits
    }
}

/// Writes all of `bytes` to a descriptor, blocking or not; waits where it is full. For the log and for
/// output.
/// - Throws: `SystemError`, with EPIPE where the reader has gone.
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
