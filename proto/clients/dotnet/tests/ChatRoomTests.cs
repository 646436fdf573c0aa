using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Threading.Tasks;
using Hubrelay.Examples;
using Hubrelay.Testing;

namespace Hubrelay.Tests
{
    /// <summary>The example.</summary>
    public sealed class ChatRoomTests
    {
        [Test]
        public async Task GuestsOfTwoServersMeetInARoom()
        {
            using (var relay = new FakeRelay())
            using (var first = new Guest(await relay.ConnectAsync("server-1")))
            using (var second = new Guest(await relay.ConnectAsync("server-2")))
            {
                foreach (Guest guest in new[] { first, second })
                {
                    guest.Say("lobby");
                    guest.Say("hello");
                    await guest.HearAsync("hello"); // who hears himself has entered
                }
                second.Say("how are you?");
                await first.HearAsync("how are you?");
            }
        }

        private sealed class Guest : System.IDisposable
        {
            private readonly TcpListener listener = new TcpListener(IPAddress.Loopback, 0);
            private readonly HubrelayClient client;
            private readonly TcpClient socket = new TcpClient();
            private readonly StreamReader lines;
            private readonly StreamWriter typed;

            public Guest(HubrelayClient client)
            {
                this.client = client;
                listener.Start();
                _ = ChatRoom.ServeAsync(client, listener);
                socket.Connect((IPEndPoint)listener.LocalEndpoint);
                lines = new StreamReader(socket.GetStream());
                typed = new StreamWriter(socket.GetStream()) { AutoFlush = true, NewLine = "\n" };
            }

            public void Say(string line)
            {
                typed.WriteLine(line);
            }

            public async Task HearAsync(string line)
            {
                while (await Check.Soon(lines.ReadLineAsync()) != line)
                {
                }
            }

            public void Dispose()
            {
                socket.Dispose();
                listener.Stop();
                client.Dispose();
            }
        }
    }
}
