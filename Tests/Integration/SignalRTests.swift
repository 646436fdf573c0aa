import FoundationEssentials
import TestSupport
import Testing

/// An ASP.NET Core app with SignalR's Redis backplane shares channels with a relay that has the same prefix: each reads
/// what the other writes, byte for byte.
@Suite struct SignalRTests {
    /// The connection string as it is in the app's settings.
    private func connectionString(_ redis: RedisServer) -> String {
        redis.url.replacing("redis://", with: "") + ",channelPrefix=MyApp,abortConnect=false,ssl=false,name=chat"
    }

    /// What RedisProtocol of Microsoft.AspNetCore.SignalR.StackExchangeRedis writes for
    /// `Clients.All.SendAsync("Send", "hi")`: an array of the excluded connection ids (none), and a map from the hub
    /// protocol's name to its message, here JSON with its terminating record separator.
    private static let invocation: [UInt8] =
        [0x92, 0x90, 0x81, 0xa4] + Array("json".utf8) + [0xc4, UInt8(message.count)] + message
    private static let message =
        Array(#"{"type":1,"target":"Send","arguments":["hi"]}"#.utf8) + [0x1e]

    @Test(arguments: ["Chat.Hub:all", "Chat.Hub:group:room 7", "Chat.Hub:user:ann", "Chat.Hub:connection:x_-1"])
    func aBackplaneChannelIsSharedByteForByte(channel: String) throws {
        let redis = try RedisServer(onPort: true)
        let app = try redis.client()
        try app.subscribe("MyApp" + channel)
        let directory = try TemporaryDirectory()
        // The relay takes the prefix from the connection string.
        let process = try RelayProcess.launch(
            ["serve", "--socket", directory.path(of: "s"), "--http", "off", "--redis", connectionString(redis)],
            log: directory.path(of: "relay"))
        try eventually("the relay listens") { fileExists(directory.path(of: "s")) }
        let worker = try TestConnection(path: directory.path(of: "s"))
        try worker.hello()
        if worker.welcome.status.state != .up { try worker.collect(untilState: .up) }
        #expect(try worker.subscribe(channel) == .ok)
        #expect(try redis.client().run("CLIENT", "LIST").text?.contains("name=chat-publish-") == true)

        try redis.client().publish(Array(("MyApp" + channel).utf8), Self.invocation)
        let message = try worker.expectMessage()
        #expect(message.channel == channel && Array(message.payload) == Self.invocation)
        let heard = try app.nextMessage()
        #expect(heard.channel == "MyApp" + channel && heard.payload == Self.invocation)

        var publish = HubrelayClientFrame.publish(channel, "", id: 1)
        publish.publish.payload = Data(Self.invocation)
        try worker.send(publish)
        let heardFromWorker = try app.nextMessage()
        #expect(heardFromWorker.channel == "MyApp" + channel && heardFromWorker.payload == Self.invocation)
        process.signal(15)
        #expect(try process.waitForExit() == .code(0))
    }
}
