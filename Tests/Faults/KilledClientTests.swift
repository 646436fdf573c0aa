import TestSupport
import Testing

/// A client is killed in the middle of what it does.
@Suite struct KilledClientTests {
    /// Sends the contents of a file and then does nothing, as a separate process that can be killed.
    private static let script = """
        import socket, sys, threading, time
        s = socket.socket(socket.AF_UNIX)
        s.connect(sys.argv[1])
        def read():
            while s.recv(65536): pass
        threading.Thread(target=read, daemon=True).start()
        s.sendall(open(sys.argv[2], 'rb').read())
        time.sleep(60)
        """

    @Test func nothingIsLeftOfAClientThatIsKilledInMidFrame() throws {
        try withRelay { relay, redis in
            try relay.waitUntilAlone()
            let plain = try redis.client()
            let listener = try redis.client()
            try listener.subscribe("t:half")
            let other = try relay.client()
            #expect(try other.subscribe("name.0") == .ok)

            var bytes = HubrelayClientFrame.hello().bytes
            for start in stride(from: 0, to: 50_000, by: 1000) {
                bytes += HubrelayClientFrame.subscribe((start..<start + 1000).map { "name.\($0)" }, id: 1).bytes
            }
            bytes += HubrelayClientFrame.publish("half", "whole", id: 2).bytes
            bytes += HubrelayClientFrame.publish("half", "cut", id: 3).bytes.dropLast()
            let file = relay.directory.path(of: "frames")
            try writeFile(file, bytes)
            let client = try ChildProcess(
                "/usr/bin/python3", ["-c", Self.script, relay.socketPath, file], log: relay.directory.path(of: "client")
            )
            // What comes before the incomplete frame has been published, so the incomplete frame is at the relay or on
            // its way.
            #expect(try listener.nextMessage().payload == Array("whole".utf8))
            try eventually("all is held") { try relay.metric("hubrelay_subscriptions") == 50_001 }
            try eventually("Redis knows") { try plain.subscribers(of: "t:name.49999") == 1 }

            client.signal(9)
            try client.waitForExit()
            try eventually("it is gone") { try relay.metric("hubrelay_connections") == 1 }
            try other.ping(within: 5)
            #expect(try relay.metric("hubrelay_subscriptions") == 1)
            // For 50,000 names this takes seconds with the sanitizer, and more on a busy machine.
            try eventually("Redis holds nothing of it", within: 3 * TestDeadline.patience) {
                // The relay's probe is a subscription as well.
                try plain.run("PUBSUB", "CHANNELS", "t:name.*").array?.count == 1
            }
            #expect(try plain.subscribers(of: "t:name.0") == 1)
            #expect(try other.publish("half", "the next").receivers == 1)
            #expect(try listener.nextMessage().payload == Array("the next".utf8), "half a frame was published")
        }
    }
}
