import RESP
import RedisWire

/// What Redis writes, read by hiredis and handed to a sink.
let replyReaderCases = [
    Benchmark(name: "read-message", operations: Bench.batch) {
        let message = Frames.resp(
            Array("message".utf8), Array((Bench.prefix + Frames.channel).utf8), Frames.payload)
        return reading((0..<Bench.batch).flatMap { _ in message }, total: Bench.batch * Frames.payload.count)
    },
    Benchmark(name: "read-integer", operations: Bench.batch) {
        reading((0..<Bench.batch).flatMap { _ in Array(":3\r\n".utf8) }, total: Bench.batch * 3)
    },
]

/// Adds up the bytes of payloads, and the numbers.
private final class Summing: ReplySink {
    private(set) var total = 0

    override func message(channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer) { total += payload.count }
    override func integer(_ value: Int64) { total += Int(value) }
}

private func reading(_ bytes: [UInt8], total: Int) -> Workload {
    let sink = Summing()
    let reader = ReplyReader(sink: sink)
    let bytes = permanent(bytes)
    return Workload(outputOfRound: total, output: { sink.total }) {
        do throws(ReplyError) { try reader.feed(bytes) } catch { fatalError("\(error)") }
    }
}
