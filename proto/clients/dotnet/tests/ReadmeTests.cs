using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading.Tasks;
using Hubrelay.Testing;

namespace Hubrelay.Tests
{
    /// <summary>The code in README.md is the code between the markers here, which is run.</summary>
    public sealed class ReadmeTests
    {
        [Test]
        public async Task TheHubServerRuns()
        {
            const int tries = 5; // the snippet's calls wait for a second: a busy machine may need longer
            for (int i = 1; i <= tries; i++)
            {
                using (var relay = new FakeRelay())
                {
                    var socket = new GuestSocket(relay);
                    try
                    {
                        await Check.Soon(ServeAsync(relay.SocketPath, socket));
                        Check.Equal("hello resync", socket.Seen, "what the socket has seen");
                        return;
                    }
                    catch (NotConnectedException) when (i < tries)
                    {
                    }
                }
            }
        }

        [Test]
        public Task TheFakeRuns()
        {
            return Check.Soon(UseFakeAsync());
        }

        [Test]
        public void TheReadmeHasThisCode()
        {
            string[] readme = File.ReadAllLines(Path.Combine(Folders.Client, "README.md"));
            string[] here = File.ReadAllLines(Path.Combine(Folders.Client, "tests", "ReadmeTests.cs"));
            string published = string.Join("\n", Blocks(readme, "```csharp", "```").Select(Normalized));
            string run = string.Join("\n", Blocks(here, "// <readme>", "// </readme>").Select(Normalized));
            Check.Equal(published, run.Replace("path, \"worker-1\"", "\"/run/hubrelay/hubrelay.sock\", \"worker-1\""), "the code");
        }

        private static async Task ServeAsync(string path, GuestSocket socket)
        {
            // <readme>
            var client = new HubrelayClient(path, "worker-1"); // heals itself; needs no relay yet
            using (Subscription room = await client.ListenAsync("room.7")) // one for each socket of yours
            {
                await client.PublishAsync("room.7", Encoding.UTF8.GetBytes("hello")); // throws unless Redis took it
                while (await room.WaitToReadAsync())
                    while (room.TryRead(out RelayEvent one))
                        if (one is Message message) await socket.SendAsync(message.Payload);
                        else await socket.ResyncAsync(); // Gap, Loss: re-read what must not be missed. Revoked: it ends here
            }
            await client.CloseAsync(); // when the server ends
            // </readme>
        }

        private static async Task UseFakeAsync()
        {
            // <readme>
            using (var relay = new FakeRelay()) // keeps all in memory: no Redis, no relay
            {
                HubrelayClient client = await relay.ConnectAsync("worker-1"); // a real client, by a socket in the temporary folder
                relay.Publish("room.7", Encoding.UTF8.GetBytes("hello")); // as another host does
                relay.Cut(); // the relay was killed, and is back
                relay.Restart(); // a graceful restart
                relay.GoDown(); // Redis is away
                relay.ComeUp();
                relay.Lose(3); // a Loss
                relay.Refuse("room.7"); // Revoked
                relay.Stall(); // no Replies until Resume
                client.Dispose();
            }
            // </readme>
        }

        internal static IEnumerable<string[]> Blocks(string[] lines, string begin, string end)
        {
            List<string> block = null;
            foreach (string line in lines)
            {
                if (block == null && line.Trim() == begin)
                {
                    block = new List<string>();
                }
                else if (block != null && line.Trim() == end)
                {
                    yield return block.ToArray();
                    block = null;
                }
                else
                {
                    block?.Add(line);
                }
            }
        }

        /// <summary>Without indentation, and with one space before a comment.</summary>
        internal static string Normalized(string[] block)
        {
            return string.Join("\n", block.Select(line => string.Join(" ",
                line.Split(new[] { ' ' }, StringSplitOptions.RemoveEmptyEntries))));
        }

        /// <summary>A socket of the hub server's.</summary>
        private sealed class GuestSocket
        {
            private readonly FakeRelay relay;
            private readonly List<string> seen = new List<string>();

            public GuestSocket(FakeRelay relay)
            {
                this.relay = relay;
            }

            public string Seen => string.Join(" ", seen);

            public Task SendAsync(ReadOnlyMemory<byte> payload)
            {
                seen.Add(Encoding.UTF8.GetString(payload.ToArray()));
                relay.Refuse("room.7");
                return Task.CompletedTask;
            }

            public Task ResyncAsync()
            {
                seen.Add("resync");
                return Task.CompletedTask;
            }
        }
    }
}
