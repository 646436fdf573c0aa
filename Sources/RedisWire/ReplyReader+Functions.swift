internal import CHiredis

extension ReplyReader {
    /// Makes a reader of hiredis that calls `assembler` through `functions`. It neither retains `assembler` nor copies
    /// `functions`. Invariant: the `ReplyReader` keeps both for as long as it has the reader.
    static func makeReader(
        _ functions: UnsafeMutablePointer<redisReplyObjectFunctions>, for assembler: ReplyAssembler
    ) -> UnsafeMutablePointer<redisReader> {
        guard let reader = redisReaderCreateWithFunctions(functions) else { fatalError("out of memory") }
        reader.pointee.privdata = Unmanaged.passUnretained(assembler).toOpaque()
        // No limit on an unused buffer. With one, hiredis would free the buffer and allocate it again with every burst.
        reader.pointee.maxbuf = 0
        return reader
    }
}

extension redisReplyObjectFunctions {
    /// Passes everything on to the assembler in `privdata`. hiredis calls with a task, never with null. It takes a null
    /// result for a lack of memory, so null is the way to end the reading.
    static var assembling: redisReplyObjectFunctions {
        var functions = redisReplyObjectFunctions()
        functions.createString = { task, text, count in
            assemble(task) { $0.string($1, UnsafeRawBufferPointer(start: text, count: count)) }
        }
        functions.createInteger = { task, number in assemble(task) { $0.integer($1, number) } }
        functions.createNil = { task in assemble(task) { $0.nilValue($1) } }
        // The count is an int in hiredis 0.14 and a size_t later.
        functions.createArray = { task, count in
            assemble(task) { $0.array($1, elements: Int(clamping: count)) }
        }
        functions.freeObject = { _ in }
        hubrelay_refuse_resp3(&functions)
        return functions
    }
}

/// Calls the assembler without a retain and a release. The assembler is alive: hiredis calls only from inside `feed`,
/// during which the `ReplyReader` exists, and so does its assembler.
@inline(__always)
private func assemble(
    _ task: UnsafePointer<redisReadTask>?, _ body: (ReplyAssembler, ReplyAssembler.Element) -> Bool
) -> UnsafeMutableRawPointer? {
    let task = task.unsafelyUnwrapped
    let assembler = Unmanaged<ReplyAssembler>.fromOpaque(task.pointee.privdata)
    let goesOn = assembler._withUnsafeGuaranteedRef { body($0, task) }
    return goesOn ? UnsafeMutableRawPointer(bitPattern: 1) : nil
}
