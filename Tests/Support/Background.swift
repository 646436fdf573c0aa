internal import Glibc
internal import Synchronization

/// Work that goes on beside a test, on a thread of its own: one step is repeated until `stop`.
package final class Background: Sendable {
    private struct State {
        var steps = 0
        var stopping = false
        var ended = false
        var failure: (any Error)?
    }

    private let state = Mutex(State())

    /// - Parameter prepare: runs on the new thread and returns the step that is then repeated there. A step should take
    ///   well under a second.
    /// - Throws: `TestFailure` when no thread can be made.
    package init(_ prepare: @escaping @Sendable () throws -> () throws -> Void) throws {
        var thread = pthread_t()
        let box = Unmanaged.passRetained(Work { [self] in self.run(prepare) })
        let failed = pthread_create(
            &thread, nil,
            { argument in
                Unmanaged<Work>.fromOpaque(argument!).takeRetainedValue().body()
                return nil
            }, box.toOpaque())
        guard failed == 0 else {
            box.release()
            throw TestFailure("no thread: \(String(cString: strerror(failed)))")
        }
        pthread_detach(thread)
    }

    /// How many steps have been taken.
    /// - Throws: the error that a step threw, so that nobody waits for further steps.
    package func steps() throws -> Int {
        let (steps, failure) = state.withLock { ($0.steps, $0.failure) }
        if let failure { throw failure }
        return steps
    }

    /// Ends the thread after the current step.
    /// - Throws: the error that a step threw.
    package func stop() throws {
        state.withLock { $0.stopping = true }
        try eventually("the background has ended") { state.withLock { $0.ended } }
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }

    private func run(_ prepare: () throws -> () throws -> Void) {
        do {
            let step = try prepare()
            while !state.withLock({ $0.stopping }) {
                try step()
                state.withLock { $0.steps += 1 }
            }
        } catch {
            state.withLock { $0.failure = error }
        }
        state.withLock { $0.ended = true }
    }

    private final class Work {
        let body: () -> Void

        init(_ body: @escaping () -> Void) { self.body = body }
    }
}
