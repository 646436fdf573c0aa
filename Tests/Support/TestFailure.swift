/// What a harness call throws when the world is not as the test needs it: a deadline passed, another frame came,
/// a process ended. The text says what was awaited and what was there instead.
package struct TestFailure: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
