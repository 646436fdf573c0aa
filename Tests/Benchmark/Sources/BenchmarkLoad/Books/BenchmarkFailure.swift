/// Why the benchmark cannot go on: a sentence that says who failed and what to do.
package struct BenchmarkFailure: Error, Equatable, CustomStringConvertible {
    package let description: String
    /// The signal that asked for the end, when it was one.
    package let signal: Int32?

    package init(_ description: String) { (self.description, signal) = (description, nil) }

    package init(interruptedBy signal: Int32) { (description, self.signal) = ("interrupted", signal) }
}
