import RESP
import Testing

/// The command as an independent encoder writes it.
private func encoded(_ arguments: [[UInt8]]) -> [UInt8] { Resp.array(arguments.map { .bulk($0) }).bytes }

@Suite("Commands are written as Redis reads them")
struct RedisCommandTests {
    @Test("any bytes, empty arguments too")
    func bytes() {
        let arguments: [[UInt8]] = [
            [UInt8]("SET"), [0, 13, 10, 255], [], [UInt8](repeating: 42, count: 100_000),
        ]
        #expect(RedisCommand.bytes(arguments) == encoded(arguments))
    }

    @Test("text", arguments: [["PING"], ["AUTH", "default", "pass wörd"], ["CLIENT", "SETNAME", ""], [""]])
    func text(arguments: [String]) {
        #expect(RedisCommand.bytes(arguments) == encoded(arguments.map { Array($0.utf8) }))
    }
}

@Suite("A batch of names becomes one command")
struct SubscribeBatchTests {
    private func append(_ batch: inout SubscribeBatch, _ prefix: String, _ name: String) {
        Array(prefix.utf8).withUnsafeBytes { prefix in
            Array(name.utf8).withUnsafeBytes { batch.append(prefix: prefix, name: $0) }
        }
    }

    private func finish(_ batch: inout SubscribeBatch) -> [UInt8] {
        var written: [UInt8] = []
        batch.finish { written += Array($0) }
        return written
    }

    @Test("each verb, many batches in a row")
    func batches() {
        var batch = SubscribeBatch()
        for (verb, count) in zip(SubscribeVerb.allCases, [512, 1, 3, 100, 512, 2]) {
            batch.begin(verb)
            for index in 0..<count { append(&batch, "app:", "room.\(index)") }
            let names = (0..<count).map { Array("app:room.\($0)".utf8) }
            #expect(finish(&batch) == encoded([Array("\(verb)".uppercased().utf8)] + names))
            #expect(finish(&batch) == [], "it is written once")
        }
    }

    @Test("an empty prefix, an empty name")
    func emptyParts() {
        var batch = SubscribeBatch()
        batch.begin(.subscribe)
        append(&batch, "", "a")
        append(&batch, "p", "")
        append(&batch, "", "")
        #expect(finish(&batch) == encoded([[UInt8]("SUBSCRIBE"), [UInt8]("a"), [UInt8]("p"), []]))
    }

    /// UNSUBSCRIBE without a name would end all subscriptions.
    @Test("without a name there is no command")
    func empty() {
        var batch = SubscribeBatch()
        #expect(finish(&batch) == [])
        batch.begin(.unsubscribe)
        #expect(finish(&batch) == [])
    }

    @Test("beginning again forgets what was not finished")
    func beginAgain() {
        var batch = SubscribeBatch()
        batch.begin(.subscribe)
        append(&batch, "a", "b")
        batch.begin(.punsubscribe)
        append(&batch, "c", "d")
        #expect(finish(&batch) == encoded([[UInt8]("PUNSUBSCRIBE"), [UInt8]("cd")]))
    }
}
