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

/// Makes writing to a closed pipe or socket the error EPIPE, in place of the signal that ends the process.
package func ignoreSIGPIPE() {
    signal(SIGPIPE, SIG_IGN)
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
