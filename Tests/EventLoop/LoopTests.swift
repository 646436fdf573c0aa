import EventLoop
import Foundation
import Posix
import Testing

/// Every test ends with a proof that the loop closes cleanly: `drain` runs until the last close callback, and the
/// loop's deinit asserts that nothing is left.
struct LoopTests {
    @Test func `timers fire in order and repeat until they are closed`() throws {
        let loop = try Loop()
        var events: [String] = []
        var repeating: EventLoop.Timer?
        let once = EventLoop.Timer(loop: loop) { events.append("once") }
        repeating = EventLoop.Timer(loop: loop) {
            events.append("again")
            if events.count == 4 { loop.stop() }
        }
        once.start(after: 1_000_000)
        repeating?.start(after: 5_000_000, every: 1_000_000)
        loop.run()
        #expect(events == ["once", "again", "again", "again"])
        once.close()
        repeating?.close()
        loop.drain()
    }

    @Test func `a timer waits for no less than was asked for`() throws {
        let loop = try Loop()
        var due: [UInt64] = []
        var timer: EventLoop.Timer?
        // libuv counts whole milliseconds, so the half is more than it can count.
        func start() {
            due.append(loop.now + 1_500_000)
            timer?.start(after: 1_500_000)
        }
        timer = EventLoop.Timer(loop: loop) {
            #expect(due.last.map { loop.now >= $0 } == true)
            if due.count < 20 { start() }
        }
        start()
        loop.run()
        #expect(due.count == 20)
        timer?.close()
        timer = nil
        loop.drain()
    }

    @Test func `timers that start themselves, or one another, at once leave the loop its other work`() throws {
        let loop = try Loop()
        var pair: [Int32] = [0, 0]
        #expect(pipe(&pair) == 0 && write(pair[1], [7] as [UInt8], 1) == 1)
        var (calls, reads) = (0, 0)
        var timers: [EventLoop.Timer] = []
        for index in 0..<3 {
            timers.append(
                EventLoop.Timer(loop: loop) {
                    calls += 1
                    // A loop that never leaves its timers ends here.
                    if calls > 100_000 { return }
                    timers[index].start(after: 0)
                    timers[(index + 1) % 3].start(after: 0)
                })
        }
        let watcher = try ReadableWatcher(loop: loop, descriptor: pair[0]) {
            reads += 1
            if reads == 20 { loop.stop() }
        }
        for timer in timers { timer.start(after: 0) }
        loop.run()
        #expect(reads == 20 && calls <= 100_000)
        watcher.close()
        for timer in timers { timer.close() }
        timers.removeAll()
        for descriptor in pair { close(descriptor) }
        loop.drain()
    }

    @Test func `what is put off to the next turn comes once in each, and the loop does not wait for it`() throws {
        let loop = try Loop()
        var pair: [Int32] = [0, 0]
        #expect(pipe(&pair) == 0 && write(pair[1], [7] as [UInt8], 1) == 1)
        var log: [String] = []
        var nextTurn: NextTurn?
        nextTurn = NextTurn(loop: loop) {
            log.append("work")
            if log.count < 10 { nextTurn?.schedule() }
        }
        let watcher = try ReadableWatcher(loop: loop, descriptor: pair[0]) {
            log.append("read")
            nextTurn?.schedule()
            if log.count >= 10 { loop.stop() }
        }
        nextTurn?.schedule()
        nextTurn?.schedule()
        loop.run()
        #expect(log == (0..<10).map { $0 % 2 == 0 ? "work" : "read" })
        watcher.close()
        nextTurn?.close()
        nextTurn = nil
        for descriptor in pair { close(descriptor) }
        loop.drain()
    }

    @Test func `a kernel's timer calls at its moments, until it is set anew`() throws {
        let loop = try Loop()
        var moments: [UInt64] = []
        var timer: KernelTimer?
        let limit = EventLoop.Timer(loop: loop) { loop.stop() }
        timer = try KernelTimer(loop: loop) {
            moments.append(Clock.monotonicNanoseconds())
            if moments.count == 3 { timer?.set(1) }  // has passed long ago, so it comes once
            if moments.count == 4 { limit.start(after: 20_000_000) }
        }
        let start = Clock.monotonicNanoseconds()
        timer?.set(start + 3_000_000, every: 2_000_000)
        loop.run()
        #expect(moments.count == 4)
        for (index, moment) in moments.prefix(3).enumerated() {
            #expect(moment >= start + 3_000_000 + UInt64(index) * 2_000_000)
        }
        timer?.close()
        timer?.set(1)
        timer?.close()
        limit.close()
        loop.drain()
        #expect(moments.count == 4)
    }

    @Test(arguments: [true, false])
    func `a timer that a kernel's timer starts comes after what is read in the same turn`(isTimerFirst: Bool) throws {
        let loop = try Loop()
        var pair: [Int32] = [0, 0]
        #expect(pipe(&pair) == 0)
        var log: [String] = []
        let timer = EventLoop.Timer(loop: loop) {
            log.append("timer")
            loop.stop()
        }
        func watch() throws -> ReadableWatcher {
            try ReadableWatcher(loop: loop, descriptor: pair[0]) {
                var byte: UInt8 = 0
                #expect(read(pair[0], &byte, 1) == 1)
                log.append("read")
            }
        }
        // The callbacks of what is ready at the loop's first look come in the order of creation, and both come.
        let early = isTimerFirst ? nil : try watch()
        let kernelTimer = try KernelTimer(loop: loop) {
            log.append("kernel's timer")
            timer.start(after: 0)
        }
        kernelTimer.set(1)
        let watcher = try early ?? watch()
        #expect(write(pair[1], [7] as [UInt8], 1) == 1)
        loop.run()
        #expect(Set(log.prefix(2)) == ["kernel's timer", "read"] && log.dropFirst(2) == ["timer"])
        watcher.close()
        kernelTimer.close()
        timer.close()
        loop.drain()
        close(pair[0])
        close(pair[1])
    }

    @Test func `what is put off is done once, and not in every turn from then on`() throws {
        let loop = try Loop()
        var pair: [Int32] = [0, 0]
        #expect(pipe(&pair) == 0 && write(pair[1], [7] as [UInt8], 1) == 1)
        var log: [String] = []
        let nextTurn = NextTurn(loop: loop) { log.append("work") }
        let watcher = try ReadableWatcher(loop: loop, descriptor: pair[0]) {
            log.append("read")
            if log.count == 5 { loop.stop() }
        }
        nextTurn.schedule()
        loop.run()
        #expect(log == ["work", "read", "read", "read", "read"])
        watcher.close()
        nextTurn.close()
        for descriptor in pair { close(descriptor) }
        loop.drain()
    }

    @Test func `the end of a turn comes after what was done in it, and once a turn`() throws {
        let loop = try Loop()
        var pair: [Int32] = [0, 0]
        #expect(pipe(&pair) == 0 && write(pair[1], [7] as [UInt8], 1) == 1)
        var log: [String] = []
        loop.onTurnEnd { log.append("end") }
        let timers = ["first", "second"].map { name in EventLoop.Timer(loop: loop) { log.append(name) } }
        // There is always something to read, so no turn waits.
        let watcher = try ReadableWatcher(loop: loop, descriptor: pair[0]) {
            log.append("read")
            if log.count(where: { $0 == "read" }) == 3 { loop.stop() }
        }
        for timer in timers { timer.start(after: 0) }
        loop.run()
        #expect(log == ["first", "second", "end", "read", "end", "read", "end", "read"])
        watcher.close()
        for timer in timers { timer.close() }
        for descriptor in pair { close(descriptor) }
        loop.drain()
    }

    @Test func `a signal is delivered on the loop`() throws {
        let loop = try Loop()
        var count = 0
        let watcher = SignalWatcher(loop: loop, signal: SIGUSR2) {
            count += 1
            loop.stop()
        }
        let keepAlive = EventLoop.Timer(loop: loop) { loop.stop() }
        keepAlive.start(after: 5_000_000_000)
        kill(getpid(), SIGUSR2)
        loop.run()
        #expect(count == 1)
        watcher.close()
        keepAlive.close()
        loop.drain()
    }

    @Test func `a descriptor is watched while it is readable`() throws {
        let loop = try Loop()
        var pair: [Int32] = [0, 0]
        #expect(pipe(&pair) == 0)
        var watcher: ReadableWatcher?
        watcher = try ReadableWatcher(loop: loop, descriptor: pair[0]) {
            var byte: UInt8 = 0
            #expect(read(pair[0], &byte, 1) == 1)
            #expect(byte == 7)
            watcher?.close()
        }
        #expect(write(pair[1], [7] as [UInt8], 1) == 1)
        loop.run()
        watcher = nil
        loop.drain()
        close(pair[0])
        close(pair[1])
    }

    @Test func `localhost is resolved off the loop, and a name that does not exist is an error`() throws {
        let loop = try Loop()
        var found = 0
        var failure: LoopError?
        _ = Resolver(loop: loop, host: "localhost", port: 1) { found = (try? $0.get().count) ?? 0 }
        _ = Resolver(loop: loop, host: "no-such-host.invalid", port: 1) { result in
            if case .failure(let error) = result { failure = error }
        }
        loop.run()
        #expect(found > 0)
        #expect(failure?.operation == "resolving")
        loop.drain()
    }

    @Test(arguments: [("127.0.0.1", true), ("::1", true), ("localhost", false), ("300.1.1.1", false), ("", false)])
    func `only numeric hosts are addresses`(host: String, isNumeric: Bool) {
        #expect((NetworkAddress(numericHost: host, port: 80) != nil) == isNumeric)
    }
}
