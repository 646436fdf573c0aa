import TestSupport
import Testing

@testable import RelayCore

/// Rule 12: however many names a frame has, a turn works on a bounded number of them, and others are served in between.
@Suite struct BoundedWorkTests {
    private let rig = HubRig(
        {
            var options = HubRig.Options()
            (options.maxConnections, options.maxSubscriptionsPerConnection) = (1200, 30_000)
            return options
        }())

    init() { rig.bringUp() }

    private static func names(_ count: Int) -> [String] { (0..<count).map { "n\($0)" } }

    /// Ends turns until `isOver`, while Redis answers. In each turn another connection must get its Pong, and the turn
    /// must not do twice its work. The only exceptions: a frame is decoded as a whole, and a Subscribe comes into force
    /// as a whole.
    /// - Parameters:
    ///   - joining: the number of names in the largest Subscribe.
    ///   - frame: the size of the largest frame in bytes, if its bytes are the largest cost.
    /// - Returns: the number of turns.
    @discardableResult
    private func turns(joining: Int = 0, frame: Int = 0, until isOver: () -> Bool) throws -> Int {
        let other = rig.connect()
        // This connection may have got the place of one that was waiting.
        rig.turn()
        for turn in 1...1000 {
            other.write(.ping(id: UInt64(turn)))
            rig.turn()
            #expect(other.takeAnswers() == ["\(turn) ok"])
            // A byte counts when it is decoded, and when it is taken from the held input.
            #expect(rig.hub.workLeft >= -joining - 2 * frame / 64 - Hub.workPerTurn, "the work of one turn")
            for _ in 0..<100 where !rig.redis.subscribeCommands.isEmpty { rig.redis.executeSubscribe() }
            while rig.readSubscribeReply() {}
            if isOver() { return turn }
        }
        throw TestFailure("not over after 1,000 turns")
    }

    private func answers(of app: App, joining: Int = 0) throws -> [String] {
        var answers: [String] = []
        try turns(joining: joining) {
            answers += app.takeAnswers()
            return !answers.isEmpty
        }
        return answers
    }

    @Test func oneNameNamedVeryOftenTakesTurnsInProportion() throws {
        let apps = (0..<200).map { _ in rig.connect() }
        for app in apps { app.write(.subscribe(["a"], id: 1)) }
        rig.settle()
        let app = apps[0]
        _ = app.takeLines()
        let count = 100_000
        app.write(.unsubscribe([String](repeating: "a", count: count), id: 2))
        #expect(app.takeLines() == [], "the turn's work is done before the frame is")
        var lines: [String] = []
        let needed = try turns {
            lines += app.takeAnswers()
            return !lines.isEmpty
        }
        let slice = Hub.workPerTurn / 8
        #expect(lines == ["2 ok"] && needed >= count / slice - 2 && needed <= 2 + 2 * count / slice)
        rig.publishElsewhere("a")
        rig.settle()
        #expect(app.takeLines() == [] && apps[1].takeLines() == ["1 ok", "a: hi"])
    }

    @Test func manyNamesAreSubscribedToAndLeft() throws {
        let app = rig.connect()
        let names = Self.names(20_000)
        app.write(.subscribe(names, id: 1), .ping(id: 2))
        #expect(try answers(of: app) == ["2 ok"], "what comes behind the request waits until it has been read")
        rig.settle()
        #expect(app.takeAnswers() == ["1 ok"])
        #expect(rig.subscribedNames == names.sorted() && rig.hub.subscriptionCount == 20_000)
        rig.publishElsewhere("n19999")
        rig.settle()
        #expect(app.takeLines() == ["n19999: hi"])
        app.write(.subscribe(names, id: 3))
        #expect(try answers(of: app, joining: 20_000) == ["3 ok"], "all of it is held")
        app.write(.unsubscribe(names + names, id: 4))
        #expect(try answers(of: app) == ["4 ok"])
        rig.settle()
        #expect(rig.subscribedNames == [] && rig.hub.nameCount == 0 && rig.hub.subscriptionCount == 0)
    }

    @Test func aNameNamedTwiceCountsOnce() throws {
        let app = rig.connect()
        let names = Self.names(20_000)
        app.write(.subscribe(names + names.prefix(15_000), id: 1))
        try turns { rig.hub.subscriptionCount == 20_000 }
        rig.settle()
        #expect(app.takeAnswers() == ["1 ok"] && rig.hub.subscriptionCount == 20_000)
    }

    @Test func anInvalidNameAtTheEndLeavesNothingBehind() throws {
        let app = rig.connect()
        app.write(.subscribe(Self.names(30_000) + [""], id: 1))
        var lines: [String] = []
        let needed = try turns {
            lines += app.takeAnswers()
            return !lines.isEmpty
        }
        #expect(lines == ["1 invalid"] && rig.hub.nameCount == 0)
        #expect(needed >= 2, "a look at so many names takes turns as well")
    }

    @Test func aLimitThatIsReachedLateLeavesNothingBehind() throws {
        let app = rig.connect()
        app.write(.subscribe(["n7"], id: 1))
        rig.settle()
        _ = app.takeLines()
        app.write(.subscribe((0..<31_000).map { String($0, radix: 36) }, id: 2))
        #expect(try answers(of: app) == ["2 limit"])
        try turns { rig.hub.nameCount == 1 }
        #expect(rig.hub.subscriptionCount == 1 && rig.subscribedNames == ["n7"])
    }

    /// The Unsubscribe waits for the Subscribe before it, and both have many names.
    @Test func anUnsubscribeOfManyWaitsForItsTurn() throws {
        let app = rig.connect()
        let names = Self.names(20_000)
        app.write(.subscribe(names, id: 1))
        while rig.hub.hasWork { rig.turn() }
        app.write(.unsubscribe(names, id: 2), .subscribe(["n5"], id: 3))
        var lines: [String] = []
        try turns(joining: 20_000) {
            lines += app.takeAnswers()
            return lines.count == 3
        }
        #expect(lines == ["1 ok", "2 ok", "3 ok"])
        rig.settle()
        #expect(rig.subscribedNames == ["n5"] && rig.hub.subscriptionCount == 1)
    }

    /// The `ConnectionID` is not given to another connection before all names of the first one have gone.
    @Test func aConnectionWithManyNamesGoesBitByBit() throws {
        let (app, other) = (rig.connect(), rig.connect())
        let names = Self.names(20_000)
        app.write(.subscribe(names, id: 1))
        other.write(.subscribe(["n3", "n19999"], id: 1))
        rig.settle()
        _ = other.takeLines()
        app.close()
        #expect(rig.hub.subscriptionCount == 2, "it counts no more at once")
        let successor = rig.connect()
        #expect(rig.hub.hasWork && successor.connection != app.connection)
        rig.publishElsewhere("n3")
        while rig.readSubscribeReply() {}
        #expect(rig.hub.counters.messagesDelivered == 1)
        let needed = try turns { !rig.hub.hasWork }
        #expect(needed >= names.count / Hub.workPerTurn)
        rig.settle()
        #expect(other.takeLines() == ["n3: hi"] && successor.takeLines() == [])
        #expect(rig.subscribedNames == ["n19999", "n3"] && rig.hub.subscriptionCount == 2)
        #expect(rig.connect().connection == app.connection)
    }

    /// Takes seconds: a large request for each number of turns.
    @Test(arguments: [1, 2, 3, 5, 8]) func aConnectionMayCloseInTheMiddleOfItsRequest(turnsBefore: Int) throws {
        for isSubscribe in [true, false] {
            let app = rig.connect()
            let names = Self.names(6_000)
            if !isSubscribe {
                app.write(.subscribe(names, id: 1))
                rig.settle()
            }
            app.write(isSubscribe ? .subscribe(names, id: 2) : .unsubscribe(names, id: 2))
            for _ in 0..<turnsBefore { rig.turn() }
            app.close()
            try turns { !rig.hub.hasWork }
            rig.settle()
            #expect(rig.hub.nameCount == 0 && rig.hub.subscriptionCount == 0 && rig.subscribedNames == [])
        }
    }

    /// Takes seconds: a failure after each turn of a large request, each time from the start.
    @Test func aLinkMayFailInTheMiddleOfARequest() throws {
        for turnsBefore in 1...12 {
            let app = rig.connect()
            let names = Self.names(6_000)
            app.write(.subscribe(names, id: 1))
            for _ in 0..<turnsBefore { rig.turn() }
            rig.loseSubscribeLink()
            try turns(joining: 6_000) { !rig.hub.hasWork }
            rig.openSubscribeLink()
            rig.settle()
            let answers = app.takeAnswers()
            #expect(answers == ["1 pending"] || answers == ["1 ok"], "\(answers) after \(turnsBefore) turns")
            #expect(rig.subscribedNames == names.sorted() && rig.hub.subscriptionCount == 6_000)
            app.close()
            try turns { !rig.hub.hasWork }
            rig.settle()
            #expect(rig.hub.nameCount == 0)
        }
    }

    /// Small frames count as well, since one read may bring thousands.
    @Test func manySmallRequestsTakeTurnsToo() throws {
        let app = rig.connect()
        app.write((0..<30_000).flatMap { _ in HubrelayClientFrame.unsubscribe(["x"], id: 0).bytes })
        app.write(.ping(id: 1))
        #expect(rig.hub.isBlocked(app.connection) && app.takeLines() == [])
        #expect(try answers(of: app) == ["1 ok"])
    }

    /// Small requests have a reserve, for when large ones have used up the work of the turn.
    @Test func aSmallRequestDoesNotStandBehindLargeOnes() {
        let (busy, other) = (rig.connect(), rig.connect())
        let request = HubrelayClientFrame.unsubscribe(Self.names(100), id: 0).bytes
        busy.write((0..<200).flatMap { _ in request })
        #expect(rig.hub.isBlocked(busy.connection) && rig.hub.workLeft <= 0)
        other.write(.unsubscribe(["x"], id: 1))
        rig.flushApps()
        #expect(other.takeLines() == ["1 ok"])
    }

    /// Replies for which Redis is not needed keep their order, even if the relay's own work takes several turns.
    @Test func aPingDoesNotOvertakeAnUnsubscribeThatWaitsForWork() throws {
        let app = rig.connect()
        let names = Self.names(20_000)
        app.write(.subscribe(names, id: 1))
        rig.settle()
        _ = app.takeAnswers()
        app.write(.subscribe(["x"], id: 2), .unsubscribe(names, id: 3), .ping(id: 4))
        // The Subscribe has no answer when the names of the Unsubscribe begin to go, but it has one when they are gone.
        for _ in 0..<5 { rig.turn() }
        while !rig.redis.subscribeCommands.isEmpty { rig.redis.executeSubscribe() }
        while rig.readSubscribeReply() {}
        var lines: [String] = []
        try turns {
            lines += app.takeAnswers()
            return lines.count == 3
        }
        #expect(lines == ["2 ok", "3 ok", "4 ok"])
    }

    /// A frame that costs nothing but its decoding counts, too.
    @Test func unknownFieldsTakeTurns() throws {
        let apps = (0..<30).map { _ in rig.connect() }
        // A Ping of 1 MB: unknown fields, and the id.
        let fields = [UInt8](repeating: 0, count: 0) + (0..<300_000).flatMap { _ in [0x38, 1] as [UInt8] } + [8, 1]
        let length = fields.count
        let varint = [UInt8(length & 127 | 128), UInt8(length >> 7 & 127 | 128), UInt8(length >> 14)]
        for app in apps { app.write(framed([0x2A] + varint + fields)) }
        let needed = try turns(frame: length) { apps.allSatisfy { !$0.isUnanswered } }
        #expect(needed >= 25)
    }

    /// Waiting for Redis does not count as work: the loop sleeps meanwhile.
    @Test func aRequestThatCongestionStopsDoesNotKeepTheLoopAwake() {
        let app = rig.connect()
        app.write(.publish("a", "x", id: 0))
        rig.settle()
        app.write(.subscribe(Self.names(30_000), id: 1))
        rig.node.publishes.backlog = PublishQueue.highWater + 1
        for _ in 0..<3 { rig.turn() }
        #expect(!rig.hub.hasWork && rig.hub.isBlocked(app.connection))
        rig.node.publishes.backlog = 0
        rig.turn()
        rig.settle()
        #expect(app.takeAnswers() == ["1 ok"])
    }

    /// Connections that end leave work behind. It takes at most half of a turn.
    @Test func tasksLeaveHalfOfATurn() throws {
        let apps = (0..<5).map { _ in rig.connect() }
        for app in apps { app.write(.subscribe(Self.names(20_000), id: 1)) }
        rig.settle()
        let other = rig.connect()
        for app in apps { app.close() }
        rig.turn()
        // These are too many names for the reserve of small requests.
        other.write(.unsubscribe(Self.names(100), id: 1))
        rig.flushApps()
        #expect(rig.hub.hasWork && other.takeAnswers() == ["1 ok"])
    }

    /// If Redis refuses the names of a request without id, few frames report that.
    @Test func manyRefusedNamesAreRevokedTogether() throws {
        let app = rig.connect()
        let names = Self.names(500)
        rig.redis.forbidden = Set(names.map { rig.redisName($0) })
        app.write(.subscribe(names, patterns: ["p*"], id: 0))
        rig.settle()
        let frames = app.takeFrames()
        #expect(frames.count == 1 && frames.first?.revoked.channels.count == 500)
        #expect(rig.subscribedNames == ["~p*"])
    }

    /// All connections compete with each other, and each is served in the end.
    /// Takes seconds: 180,000 memberships, one by one.
    @Test func manyConnectionsWithManyNamesAreAllServed() throws {
        let apps = (0..<20).map { _ in rig.connect() }
        for app in apps { app.write(.subscribe(Self.names(9000), id: 1)) }
        try turns(joining: 20 * 9000) { rig.hub.subscriptionCount == 20 * 9000 }
        rig.settle()
        for app in apps { #expect(app.takeAnswers() == ["1 ok"]) }
        for app in apps { app.write(.unsubscribe(Self.names(9000), id: 2)) }
        try turns { rig.hub.subscriptionCount == 0 }
        for app in apps { #expect(app.takeAnswers() == ["2 ok"]) }
    }
}
