using System;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using Hubrelay.SignalR;
using Hubrelay.Testing;
using SerializedHubMessage = Hubrelay.Tests.FakeMessage;

namespace Hubrelay.Tests
{
    /// <summary>The code in docs/signalr.md is the code between the markers here, which is run.</summary>
    public sealed class PageTests
    {
        [Test]
        public void ThePageHasThisCode()
        {
            string[] page = File.ReadAllLines(Path.Combine(Folders.Client, "docs", "signalr.md"));
            string[] here = File.ReadAllLines(Path.Combine(Folders.Client, "tests", "SignalR", "PageTests.cs"));
            string published = string.Join("\n", ReadmeTests.Blocks(page, "```csharp", "```").Select(ReadmeTests.Normalized));
            string run = string.Join("\n", ReadmeTests.Blocks(here, "// <page>", "// </page>").Select(ReadmeTests.Normalized));
            Check.Equal(published, run.Replace("(path, ", "(\"/run/hubrelay/hubrelay.sock\", "), "the code");
        }

        [Test]
        public async Task TheServerRunsAndItsClientsAreTold()
        {
            TextWriter before = Console.Error;
            Console.SetError(TextWriter.Null);
            using (var relay = new FakeRelay())
            {
                var connection = new FakeConnection("c");
                HubBackplane<SerializedHubMessage> hub = await ServeAsync(relay.SocketPath, new FakeFramework("json"), connection);
                Check.Equal("Send hello", await connection.NextCallAsync());
                relay.GoDown();
                Check.Equal("Offline", await connection.NextCallAsync());
                relay.ComeUp();
                Check.Equal("Reload", await connection.NextCallAsync());
                hub.Dispose();
            }
            Console.SetError(before);
        }

        private static async Task<HubBackplane<SerializedHubMessage>> ServeAsync(string path, IHubFramework<SerializedHubMessage> framework,
            IHubConnection<SerializedHubMessage> connection)
        {
            // <page>
            var client = new HubrelayClient(path, "chat-1"); // one for all hubs of the process
            var backplane = new Backplane(client, Console.Error.WriteLine);
            var options = new HubBackplaneOptions { Hooks = new TellClients() };
            HubBackplane<SerializedHubMessage> hub = backplane.AddHub("Chat.Hub", framework, options);

            await hub.OnConnectedAsync(connection);
            await hub.AddToGroupAsync(connection.ConnectionId, "room.7");
            await hub.SendGroupAsync("room.7", "Send", new object[] { "hello" }); // throws unless Redis took it
            // </page>
            return hub;
        }

        // <page>
        class TellClients : HubBackplaneHooks
        {
            public override void OnStatus(Status status)
            {
                if (!status.IsReceiving) _ = SendLocalAsync("Offline"); // a banner: messages may be missed
            }

            public override void OnGap(Gap gap)
            {
                _ = SendLocalAsync("Reload"); // they read again what must not be missed
            }
        }
        // </page>
    }
}
