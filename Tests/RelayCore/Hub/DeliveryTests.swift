import TestSupport
import Testing

@testable import RelayCore

/// Messages from Redis to the apps.
@Suite struct HubDeliveryTests {
    private let rig: HubRig

    init() {
        var options = HubRig.Options()
        options.maxPayload = 1000
        rig = HubRig(options)
        rig.bringUp()
    }

    private func subscriber(_ channels: [String], patterns: [String] = []) -> App {
        let app = rig.connect()
        app.write(.subscribe(channels, patterns: patterns, id: 1))
        rig.settle()
        _ = app.takeLines()
        return app
    }

    @Test func everyMemberGetsItOnce() {
        let apps = (0..<20).map { _ in subscriber(["a"]) }
        let other = subscriber(["b"])
        rig.publishElsewhere("a", "1")
        rig.publishElsewhere("a", "2")
        rig.settle()
        for app in apps { #expect(app.takeLines() == ["a: 1", "a: 2"]) }
        #expect(other.takeLines() == [])
        #expect(rig.hub.counters.messagesReceived == 2 && rig.hub.counters.messagesDelivered == 40)
    }

    @Test func payloadsComeAsTheyAre() {
        let app = subscriber(["a"])
        var random = SeededGenerator(seed: 1)
        let payloads = (0..<50).map { _ in random.bytes(0...1000) }
        for payload in payloads { rig.redis.publish(Array("app:a".utf8), payload) }
        rig.settle()
        #expect(app.takeFrames().map { Array($0.message.payload) } == payloads)
    }

    /// The body of a frame may have `max_frame_bytes`, and not one byte more.
    @Test func whatFitsNoFrameIsALoss() {
        let app = subscriber(["a"], patterns: ["a*"])
        let overhead = 2 * 3 + 3  // payload and message with lengths of two bytes, channel
        let fits = [UInt8](repeating: 1, count: 1000 + 4096 - overhead)
        rig.redis.publish(Array("app:a".utf8), fits)
        rig.redis.publish(Array("app:a".utf8), fits + [1])
        rig.redis.publish(Array("app:a".utf8), [49])
        rig.settle()
        let lines = app.takeLines().map { $0.count > 100 ? "large" : $0 }
        // If it is delivered by the pattern, even the first message is too large.
        #expect(
            lines == [
                "large", "loss of 1 messages, tooLarge", "loss of 2 messages, tooLarge", "a: 1", "a by a*: 1",
            ] || lines == ["large", "loss of 3 messages, tooLarge", "a: 1", "a by a*: 1"])
        #expect(rig.hub.counters.messagesLost[.tooLarge] == 3)
    }

    @Test func aChannelThatIsNoNameIsALoss() {
        let app = subscriber([], patterns: ["*"])
        rig.redis.publish(Array("app:".utf8) + [0xFF], [1])
        rig.redis.publish(Array("app:".utf8), [1])
        rig.redis.publish(Array("app:".utf8) + [UInt8](repeating: 97, count: 513), [1])
        rig.publishElsewhere("good")
        rig.settle()
        let frames = app.takeFrames()
        #expect(frames.count == 2 && frames.last?.message.channel == "good")
        #expect(frames[0].loss.messages == 3 && frames[0].loss.cause == .badName)
        #expect(frames[0].loss.reason == "the channel is empty or over 512 bytes or not UTF-8")
    }

    @Test(
        arguments: [
            ([], "the channel is empty"), ([UInt8](repeating: 97, count: 513), "the channel is over 512 bytes"),
            ([UInt8](repeating: 0xff, count: 513), "the channel is over 512 bytes"),
            ([0xff], "the channel is not UTF-8"),
        ] as [([UInt8], String)])
    func theReasonSaysWhatIsWrongWithTheChannel(channel: [UInt8], reason: String) {
        let app = subscriber([], patterns: ["*"])
        rig.redis.publish(Array("app:".utf8) + channel, [1])
        rig.redis.publish(Array("app:".utf8) + channel, [1])
        rig.publishElsewhere("good")
        rig.settle()
        let frames = app.takeFrames()
        #expect(frames.count == 2 && frames[0].loss.messages == 2 && frames[0].loss.reason == reason)
    }

    @Test func theReasonIsNotThatOfTheConnectionBefore() {
        let former = subscriber([], patterns: ["*"])
        former.stopsReading = true
        rig.publishElsewhere("good")
        rig.settle()
        // The Loss of the former connection waits behind its unread output.
        rig.redis.publish(Array("app:".utf8), [1])
        rig.settle()
        former.close()
        let app = subscriber([], patterns: ["*"])
        #expect(app.connection == former.connection)
        rig.redis.publish(Array("app:".utf8) + [0xff], [1])
        rig.settle()
        let frames = app.takeFrames()
        #expect(frames.count == 1 && frames.first?.loss.reason == "the channel is not UTF-8")
    }

    @Test func theRelaysOwnChannelsAreNeverDelivered() {
        let app = subscriber([], patterns: ["*", "__*"])
        rig.publishElsewhere("__hubrelay:probe:1", "1")
        rig.publishElsewhere("__hubrelay", "2")
        // A channel that a later version may have.
        rig.publishElsewhere("__hubrelay:other", "3")
        rig.settle()
        #expect(app.takeLines().sorted() == ["__hubrelay by *: 2", "__hubrelay by __*: 2"])
        #expect(rig.hub.counters.messagesReceived == 2)
    }

    /// The prefixes of the other relays begin with the prefix of this relay.
    @Test func channelsOfOtherRelaysMatchNoPattern() {
        let app = subscriber(["b:__hubrelay:probe:2"], patterns: ["*", "b:*", "*:2"])
        for channel in [
            "b:__hubrelay:probe:0123456789abcdef0123456789abcdef", "__hubrelay:probe:1", "b:c:__hubrelay:probe:1:17",
            "b:__hubrelay:fence:x", "\u{e9}__hubrelay:probe:1", "__hubrelay:__hubrelay:probe:1", "b:__hubrelay:probe:2",
        ] { rig.publishElsewhere(channel, "1") }
        // These names belong to apps.
        for channel in ["b:__hubrelay:other", "b:_hubrelay:probe:1", "hubrelay:fence"] {
            rig.publishElsewhere(channel, "2")
        }
        rig.settle()
        #expect(
            app.takeLines().sorted() == [
                "b:__hubrelay:other by *: 2", "b:__hubrelay:other by b:*: 2", "b:__hubrelay:probe:2: 1",
                "b:_hubrelay:probe:1 by *: 2", "b:_hubrelay:probe:1 by b:*: 2", "hubrelay:fence by *: 2",
            ])
        #expect(rig.hub.counters.messagesReceived == 6)
    }

    /// The relay's own prefix contains a reserved name, or the beginning of one.
    @Test(arguments: ["x__hubrelay:probe:", "x__hubrelay:pro", "x__hub", "__hubrelay:probe:y:", ""])
    func theOwnPrefixHidesNoMessages(prefix: String) {
        var options = HubRig.Options()
        options.prefix = prefix
        let rig = HubRig(options)
        rig.bringUp()
        let app = rig.connect()
        app.write(.subscribe([], patterns: ["*"], id: 1))
        rig.settle()
        _ = app.takeLines()
        rig.redis.publish(Array("\(prefix)a".utf8), [49])
        rig.redis.publish(Array("x__hubrelay:probe:1".utf8), [50])
        rig.settle()
        let isOwn = prefix == "x__hubrelay:probe:"
        #expect(app.takeLines() == ["a by *: 1"] + (isOwn ? ["1 by *: 2"] : []))
    }

    @Test func aChannelThatDoesNotBeginWithThePrefixIsNotDelivered() {
        let app = subscriber(["a"], patterns: ["b*"])
        for channel in ["xpp:a", "apx:a", "app.a", "xxxxa", "app:a"] {
            lending(channel) { channel in
                lending("\(channel.count)") { _ = rig.hub.deliver(channel: channel, payload: $0, by: rig.node) }
            }
        }
        for (pattern, channel) in [("app:b*", "xpp:b1"), ("apx:b*", "app:b1"), ("app:b*", "app:b1")] {
            lending(pattern) { pattern in
                lending(channel) { channel in
                    lending("x") { rig.hub.deliver(pattern: pattern, channel: channel, payload: $0) }
                }
            }
        }
        rig.turn()
        #expect(app.takeLines() == ["a: 5", "b1 by b*: x"] && rig.hub.counters.messagesReceived == 2)
    }

    @Test func aProbeThatComesBackIsKnownByItsNumber() {
        func heard(_ channel: String, _ payload: String) -> UInt64? {
            lending(channel) { channel in
                lending(payload) { rig.hub.deliver(channel: channel, payload: $0, by: rig.node) }
            }
        }
        #expect(heard("app:__hubrelay:probe:test", "42") == 42)
        for payload in ["", "x", "4x", "-1", " 1", "123456789012345678901"] {
            #expect(heard("app:__hubrelay:probe:test", payload) == nil, "\(payload)")
        }
        #expect(heard("app:another", "42") == nil && heard("ap", "42") == nil && heard("", "42") == nil)
    }

    @Test func messagesOnNamesThatNobodyHasAreIgnored() {
        let app = subscriber(["a"])
        lending("app:b") { channel in lending("x") { _ = rig.hub.deliver(channel: channel, payload: $0, by: rig.node) }
        }
        lending("app:b*") { pattern in
            lending("app:bb") { channel in
                lending("x") { rig.hub.deliver(pattern: pattern, channel: channel, payload: $0) }
            }
        }
        lending("ap") { short in
            lending("x") { rig.hub.deliver(pattern: short, channel: short, payload: $0) }
        }
        rig.turn()
        #expect(app.takeLines() == [] && rig.hub.counters.messagesReceived == 0)
    }

    @Test func aFailedConnectionGetsNoMore() {
        let app = subscriber(["a"])
        rig.publishElsewhere("a", "1")
        rig.readSubscribeReply()
        app.write([0, 0, 0, 0])
        rig.publishElsewhere("a", "2")
        rig.settle()
        #expect(app.takeLines() == ["a: 1", "error malformed"])
        #expect(rig.subscribedNames == [])
    }

    @Test func aReaderThatNeverReadsIsClosedPastTheHardBound() {
        var options = HubRig.Options()
        options.hardBound = 1000
        let rig = HubRig(options)
        let app = rig.connect()
        app.stopsReading = true
        for number in 1...1000 as ClosedRange<UInt64> {
            app.write(.ping(id: number))
            rig.turn()
        }
        #expect(app.ending == .error(.tooMany))
        #expect(app.backlog < 1200)
        app.stopsReading = false
        let lines = app.takeLines()
        #expect(lines.last == "error tooMany" && lines.dropLast().elementsEqual((1..<lines.count).map { "\($0) ok" }))
    }
}
