/// The error of a harness call that did not find what the test needs: a deadline passed, another frame came, or a
/// process ended. The text says what was expected and what was found.
package struct TestFailure: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
