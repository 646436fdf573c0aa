import Glibc
import Logging
import Posix
import TestSupport
import Testing

@testable import Relay

@Suite("The path of a listening socket, which others can take away")
final class WatchedPathTests {
    private static let second: UInt64 = 1_000_000_000
    private let directory: TemporaryDirectory
    private let recorder = LogRecorder()
    private let path: String
    private var watched: WatchedPath
    private var descriptors: Set<Int32> = []

    init() throws {
        directory = try TemporaryDirectory()
        path = directory.path(of: "d/s")
        makeDirectory(directory.path(of: "d"))
        let socket = try SocketPath.bind(path: path, mode: 0o600, group: nil, backlog: 1)
        watched = WatchedPath(socket, logger: recorder.logger())
        descriptors = [socket.descriptor]
    }

    deinit {
        watched.socket.release()
        for descriptor in descriptors { close(descriptor) }
    }

    private func look(at time: UInt64) -> Bool {
        let isNew = watched.look(now: time)
        descriptors.insert(watched.socket.descriptor)
        return isNew
    }

    @Test func whileItIsOursNothingIsSaid() {
        for time in 1...10 { #expect(!look(at: UInt64(time) * Self.second)) }
        #expect(watched.problem == nil && recorder.take().isEmpty)
    }

    @Test func aPathThatWasDeletedIsBoundAgain() {
        removeFile(path)
        #expect(look(at: Self.second))
        #expect(fileExists(path) && watched.problem == nil)
        let lines = recorder.take()
        #expect(lines.map(\.level) == [.warning])
        #expect(lines[0].message == "the socket's path no longer led to this relay, and was bound again")
        #expect(!look(at: 2 * Self.second))
    }

    @Test func itIsLookedAtTwiceASecond() {
        #expect(!look(at: Self.second))
        removeFile(path)
        #expect(!look(at: Self.second + Self.second / 2 - 1))
        #expect(look(at: Self.second + Self.second / 2))
    }

    @Test func aProblemIsToldOnceAndSoIsItsEnd() {
        moveFile(directory.path(of: "d"), to: directory.path(of: "elsewhere"))
        for time in 1...5 { #expect(!look(at: UInt64(time) * Self.second)) }
        #expect(watched.problem?.contains("there is no directory") == true)
        let lines = recorder.take()
        #expect(lines.map(\.level) == [.warning])
        #expect(lines[0].metadata["reason"] == watched.problem)

        moveFile(directory.path(of: "elsewhere"), to: directory.path(of: "d"))
        #expect(!look(at: 6 * Self.second), "it is the same socket as before")
        #expect(watched.problem == nil)
        #expect(recorder.take().map(\.message) == ["clients can connect to the socket again: it is ours again"])
    }

    @Test func aProblemThatEndsWithANewSocketIsOver() {
        moveFile(directory.path(of: "d"), to: directory.path(of: "elsewhere"))
        #expect(!look(at: Self.second))
        makeDirectory(directory.path(of: "d"))
        #expect(look(at: 2 * Self.second))
        #expect(watched.problem == nil)
        #expect(recorder.take().map(\.message).last == "clients can connect to the socket again: it was bound again")
    }

    @Test func whereAnotherProgramListensIsLookedSeldom() throws {
        removeFile(path)
        let other = try UnixListener(path)
        #expect(!look(at: Self.second))
        #expect(watched.problem?.contains("another program accepts connections there") == true)
        removeFile(path)
        withExtendedLifetime(other) {}
        #expect(!look(at: 6 * Self.second - 1), "to look is to connect to it")
        #expect(look(at: 6 * Self.second))
        #expect(watched.problem == nil)
    }

    @Test func aSocketThatCannotBeListenedOnIsAProblemUntilTheNextLook() {
        removeFile(path)
        #expect(look(at: Self.second))
        watched.failed("no descriptors")
        #expect(watched.problem == "no descriptors")
        #expect(!look(at: 2 * Self.second))
        #expect(watched.problem == nil)
    }
}
