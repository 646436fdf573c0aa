import Logging
import Posix
import RelayCore
import Testing

@testable import Relay

@Suite("Lines that somebody outside can cause as often as they like")
struct LimitedLogTests {
    private let recorder = LogRecorder()
    private let now = Clock.monotonicNanoseconds()
    private var afterTheWindow: UInt64 { now + LineLimiter.window + 1_000_000_000 }

    @Test func afterSomeOfAKindTheRestIsCountedAndToldOnce() {
        let log = LimitedLog(logger: recorder.logger())
        for number in 0..<10 { log.log(.info, "closing", now: now, ["number": "\(number)"]) }
        let lines = recorder.take()
        #expect(lines.map(\.metadata) == (0..<LineLimiter.linesPerWindow).map { ["number": "\($0)"] })
        #expect(lines.allSatisfy { $0.level == .info && $0.message == "closing" })
        log.flush(now: now + 1)
        #expect(recorder.take().isEmpty, "it is not due yet")
        log.flush(now: afterTheWindow)
        log.flush(now: afterTheWindow)
        #expect(
            recorder.take() == [
                .init(
                    level: .info, message: "more lines like this were left out",
                    metadata: ["line": "closing", "left_out": "4"])
            ])
    }

    @Test func whatTellsTheThingApartIsAKindOfItsOwnAndIsTold() {
        let log = LimitedLog(logger: recorder.logger())
        for _ in 0..<8 {
            log.log(.info, "closing", of: ("code", "timeout"), now: now)
            log.log(.info, "closing", of: ("code", "malformed"), now: now)
        }
        #expect(recorder.take().count == 2 * LineLimiter.linesPerWindow)
        log.log(.warning, "closing", of: ("code", "timeout"), now: now)
        #expect(recorder.take() == [.init(level: .warning, message: "closing", metadata: ["code": "timeout"])])
        log.flush(now: now, isLast: true)
        let told = recorder.take()
        #expect(Set(told.compactMap { $0.metadata["code"] }) == ["timeout", "malformed"])
        #expect(told.allSatisfy { $0.metadata["left_out"] == "2" })
        #expect(told.count == 2)
    }

    @Test func theSummaryComesBeforeTheNextLineOfItsKind() {
        let log = LimitedLog(logger: recorder.logger())
        for _ in 0..<7 { log.log(.error, "refused", now: now) }
        _ = recorder.take()
        log.log(.error, "refused", now: afterTheWindow)
        #expect(recorder.take().map(\.message) == ["more lines like this were left out", "refused"])
    }

    @Test func whatNobodyReadsIsNotMadeNorCounted() {
        let log = LimitedLog(logger: recorder.logger(.notice))
        var made = 0
        func metadata() -> Logger.Metadata {
            made += 1
            return [:]
        }
        for _ in 0..<10 { log.log(.info, "closing", now: now, metadata()) }
        #expect(made == 0)
        for _ in 0..<10 { log.log(.notice, "reloaded", now: now, metadata()) }
        #expect(made == LineLimiter.linesPerWindow)
        log.flush(now: now, isLast: true)
        #expect(recorder.take().last?.metadata == ["line": "reloaded", "left_out": "4"])
    }
}
