/// Why the benchmark cannot go on: a sentence that says what failed and what to do.
package struct BenchmarkFailure: Error, Equatable, CustomStringConvertible {
    package let description: String
    /// The signal that asked for the end; nil if it was not a signal.
    package let signal: Int32?

    package init(_ description: String) { (self.description, signal) = (description, nil) }

    package init(interruptedBy signal: Int32) { (description, self.signal) = ("interrupted", signal) }
}
