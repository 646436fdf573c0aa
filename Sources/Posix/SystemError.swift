internal import Glibc

/// A system call that failed: which one, on what, and the `errno` it left.
package struct SystemError: Error, Equatable, CustomStringConvertible {
    /// What was attempted, as a verb phrase for people: "connect to /run/x.sock".
    package let operation: String
    /// The `errno` of the failed call.
    package let code: Int32

    package init(operation: String, code: Int32) {
        self.operation = operation
        self.code = code
    }

    /// The error of the system call that has just failed. Must be made before any other call.
    static func last(_ operation: String) -> SystemError {
        SystemError(operation: operation, code: errno)
    }

    package var description: String { "cannot \(operation): \(errorText(code))" }
}

/// The system's text for an `errno`, with the number, which is good to search for.
package func errorText(_ code: Int32) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
        // Swift sees the XSI form, which returns 0 and puts the text into the buffer, also for an unknown number.
        buffer[0] = 0
        _ = strerror_r(code, buffer.baseAddress!, buffer.count)
        return "\(String(cString: buffer.baseAddress!)) (errno \(code))"
    }
}

/// Repeats a system call while signals interrupt it (signal(7)): it never returns -1 with EINTR.
@inline(__always)
func retrying<Result: SignedInteger>(_ call: () -> Result) -> Result {
    while true {
        let result = call()
        if result == -1 && errno == EINTR { continue }
        return result
    }
}
