/// When the messages of a fixed rate are due. It does not know when they were really sent. So a latency that counts
/// from `due` includes the time that a message had to wait because something before it took long. A closed loop, or one
/// that counts from sending, would leave that time out (coordinated omission).
struct Schedule {
    /// Monotonic nanoseconds.
    let start: UInt64
    /// Messages a second.
    let rate: UInt64

    init(start: UInt64, rate: Int) {
        precondition(rate > 0)
        (self.start, self.rate) = (start, UInt64(rate))
    }

    /// When message `number`, counted from 0, is due.
    @inline(__always)
    func due(_ number: UInt64) -> UInt64 {
        let (seconds, rest) = number.quotientAndRemainder(dividingBy: rate)
        return start + seconds * 1_000_000_000 + rest * 1_000_000_000 / rate
    }

    /// How long before `moment` a message was due; 0 if it is due later.
    @inline(__always)
    func age(of number: UInt64, at moment: UInt64) -> UInt64 {
        let due = due(number)
        return moment > due ? moment - due : 0
    }
}
