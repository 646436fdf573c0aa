/// Why the program ends without success: a sentence for stderr, and the exit code.
struct Failure: Error, CustomStringConvertible {
    let description: String
    let code: Int32

    init(_ description: String, code: Int32) { (self.description, self.code) = (description, code) }

    /// The program cannot be run with these arguments: EX_USAGE of sysexits.h.
    static func usage(_ description: String) -> Failure { Failure(description, code: 64) }
}
