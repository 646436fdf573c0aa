import Configuration
import Posix
import Testing

@testable import Relay

@Suite("Why a relay did not start, and with which code it ends")
struct StartFailureTests {
    @Test("64 where it stays so until somebody changes something, else 1")
    func code() {
        for (error, code) in [
            (SocketPathError.noDirectory(path: "p", directory: "d"), 64), (SocketPathError.live(path: "p"), 64),
            (SocketPathError.locked(path: "p", pid: 7), 1), (GroupError.unknown(name: "g"), 64),
            (GroupError.lookup(name: "g", code: 5), 1), (ListeningSocketError.inUse(address: "a"), 1),
            (ListeningSocketError.system(address: "a", operation: "bind", code: 13), 64),
            (ListeningSocketError.system(address: "a", operation: "bind", code: 99), 1),
            (DescriptorShortage(limit: 8, least: 20), 64), (CancellationError(), 1),
        ] as [(any Error, Int32)] {
            #expect(StartFailure(error).exitCode == code, "\(error)")
        }
    }

    @Test("only another relay's path is tried again, for a while that is told once")
    func retry() {
        let recorder = LogRecorder()
        var retry = StartRetry("/p", pauses: [1, 1])
        let locked = StartFailure(SocketPathError.locked(path: "/p", pid: 7))
        let attempts = (1...3).map { _ in retry.wait(after: locked, recorder.logger()) }
        #expect(attempts == [true, true, false])
        #expect(recorder.take().count == 1)
        for error in [
            SocketPathError.live(path: "/p"), SocketPathError.locked(path: "/http", pid: 7),
            ListeningSocketError.inUse(address: "a"),
        ] as [any Error] {
            var retry = StartRetry("/p", pauses: [1])
            let isTriedAgain = retry.wait(after: StartFailure(error), recorder.logger())
            #expect(!isTriedAgain)
        }
    }
}
