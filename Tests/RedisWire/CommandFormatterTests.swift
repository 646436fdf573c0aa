import RedisWire
import Testing

/// The command as an independent encoder writes it.
private func encoded(_ arguments: [[UInt8]]) -> [UInt8] { Resp.array(arguments.map { .bulk($0) }).bytes }

@Suite("Commands are written as Redis reads them")
struct CommandFormatterTests {
    @Test("any bytes, empty arguments too")
    func bytes() {
        let arguments: [[UInt8]] = [
            [UInt8]("SET"), [0, 13, 10, 255], [], [UInt8](repeating: 42, count: 100_000),
        ]
        var written: [UInt8] = []
        arguments[0].withUnsafeBytes { verb in
            arguments[1].withUnsafeBytes { key in
                arguments[3].withUnsafeBytes { value in
                    let empty = UnsafeRawBufferPointer(start: nil, count: 0)
                    CommandFormatter.format([verb, key, empty, value]) { written = Array($0) }
                }
            }
        }
        #expect(written == encoded(arguments))
    }

    @Test("text", arguments: [["PING"], ["AUTH", "default", "pass wörd"], ["CLIENT", "SETNAME", ""], [""]])
    func text(arguments: [String]) {
        var written: [UInt8] = []
        CommandFormatter.format(arguments) { written = Array($0) }
        #expect(written == encoded(arguments.map { Array($0.utf8) }))
    }
}

@Suite("A batch of names becomes one command")
struct CommandBatchTests {
    private func append(_ batch: CommandBatch, _ prefix: String, _ name: String) {
        Array(prefix.utf8).withUnsafeBytes { prefix in
            Array(name.utf8).withUnsafeBytes { batch.append(prefix: prefix, name: $0) }
        }
    }

    @Test("each verb, many batches in a row")
    func batches() {
        let batch = CommandBatch()
        for (kind, count) in zip(SubscriptionKind.allCases, [512, 1, 3, 100, 512, 2]) {
            batch.begin(kind)
            for index in 0..<count { append(batch, "app:", "room.\(index)") }
            #expect(batch.count == count)
            var written: [UInt8] = []
            batch.finish { written = Array($0) }
            let names = (0..<count).map { Array("app:room.\($0)".utf8) }
            #expect(written == encoded([Array(kind.rawValue.uppercased().utf8)] + names))
            #expect(batch.count == 0)
        }
    }

    @Test("an empty prefix, an empty name")
    func emptyParts() {
        let batch = CommandBatch()
        batch.begin(.subscribe)
        append(batch, "", "a")
        append(batch, "p", "")
        append(batch, "", "")
        var written: [UInt8] = []
        batch.finish { written = Array($0) }
        #expect(written == encoded([[UInt8]("SUBSCRIBE"), [UInt8]("a"), [UInt8]("p"), []]))
    }

    /// UNSUBSCRIBE without a name would end all subscriptions.
    @Test("without a name there is no command")
    func empty() {
        let batch = CommandBatch()
        batch.finish { _ in Issue.record("a command out of nothing") }
        batch.begin(.unsubscribe)
        batch.finish { _ in Issue.record("a command without a name") }
        #expect(batch.count == 0)
    }

    @Test("beginning again forgets what was not finished, also from inside finish")
    func beginAgain() {
        let batch = CommandBatch()
        batch.begin(.subscribe)
        append(batch, "a", "b")
        batch.begin(.punsubscribe)
        append(batch, "c", "d")
        var written: [[UInt8]] = []
        batch.finish {
            batch.begin(.unsubscribe)
            append(batch, "e", "f")
            written.append(Array($0))
        }
        batch.finish { written.append(Array($0)) }
        #expect(
            written == [
                encoded([[UInt8]("PUNSUBSCRIBE"), [UInt8]("cd")]),
                encoded([[UInt8]("UNSUBSCRIBE"), [UInt8]("ef")]),
            ])
    }
}
