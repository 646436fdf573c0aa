using System;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace Hubrelay.Examples
{
    /// <summary>
    /// A chat server for nc or telnet, of which any number may run, on any number of hosts, beside one relay each:
    ///
    ///     examples/chat-room --relay /tmp/chat.sock --listen 127.0.0.1:7001
    ///     nc 127.0.0.1 7001
    ///
    /// The first line that is typed is the name of a room, the others are said there.
    /// </summary>
    public static class ChatRoom
    {
        private static readonly UTF8Encoding Utf8 = new UTF8Encoding(false);

        /// <summary>Serves until the process is interrupted.</summary>
        public static int Main(string[] arguments)
        {
            return RunAsync(arguments).GetAwaiter().GetResult();
        }

        private static async Task<int> RunAsync(string[] arguments)
        {
            string path = "/run/hubrelay/hubrelay.sock";
            string address = "127.0.0.1:7001";
            for (int i = 0; i + 1 < arguments.Length; i += 2)
            {
                switch (arguments[i].TrimStart('-'))
                {
                    case "relay": path = arguments[i + 1]; break;
                    case "listen": address = arguments[i + 1]; break;
                    default:
                        Console.Error.WriteLine("usage: chat-room [--relay SOCKET] [--listen ADDRESS:PORT]");
                        return 64;
                }
            }
            var interrupted = new TaskCompletionSource<bool>();
            Console.CancelKeyPress += (_, pressed) =>
            {
                pressed.Cancel = true;
                interrupted.TrySetResult(true);
            };
            int colon = address.LastIndexOf(':');
            var listener = new TcpListener(IPAddress.Parse(address.Substring(0, colon)), int.Parse(address.Substring(colon + 1)));
            listener.Start();
            Console.WriteLine($"listening on {listener.LocalEndpoint}");
            var client = new HubrelayClient(path, "chatroom", new HubrelayOptions { Log = Console.Error.WriteLine });
            Task serving = ServeAsync(client, listener);
            await interrupted.Task.ConfigureAwait(false);
            listener.Stop();
            await serving.ConfigureAwait(false);
            await client.CloseAsync().ConfigureAwait(false);
            return 0;
        }

        /// <summary>Takes guests until the listener is stopped.</summary>
        public static async Task ServeAsync(HubrelayClient client, TcpListener listener)
        {
            for (;;)
            {
                TcpClient guest;
                try
                {
                    guest = await listener.AcceptTcpClientAsync().ConfigureAwait(false);
                }
                catch (Exception e) when (e is ObjectDisposedException || e is SocketException || e is InvalidOperationException)
                {
                    return;
                }
                _ = HostAsync(client, guest);
            }
        }

        /// <summary>Serves one guest, to the end.</summary>
        private static async Task HostAsync(HubrelayClient client, TcpClient guest)
        {
            using (guest)
            using (var lines = new StreamReader(guest.GetStream(), Utf8))
            using (var screen = new Screen(guest.GetStream()))
            {
                try
                {
                    string name = await lines.ReadLineAsync().ConfigureAwait(false);
                    if (name == null)
                    {
                        return;
                    }
                    string channel = "room." + name;
                    using (Subscription room = await client.ListenAsync(channel).ConfigureAwait(false))
                    {
                        _ = DeliverAsync(room, screen);
                        await SayAsync(client, channel, lines, screen).ConfigureAwait(false);
                    }
                }
                catch (HubrelayException e)
                {
                    await screen.WriteAsync("* " + e.Message).ConfigureAwait(false);
                }
                catch (IOException)
                {
                    // The guest is gone.
                }
            }
        }

        /// <summary>Says in the room what a guest types.</summary>
        private static async Task SayAsync(HubrelayClient client, string channel, StreamReader lines, Screen screen)
        {
            for (string line = await lines.ReadLineAsync().ConfigureAwait(false); line != null;
                line = await lines.ReadLineAsync().ConfigureAwait(false))
            {
                string trouble = null;
                try
                {
                    await client.PublishAsync(channel, Utf8.GetBytes(line)).ConfigureAwait(false);
                }
                catch (InterruptedException)
                {
                    trouble = "* that may have been said, or not";
                }
                catch (HubrelayException e)
                {
                    trouble = "* that was not said: " + e.Message;
                }
                if (trouble != null)
                {
                    await screen.WriteAsync(trouble).ConfigureAwait(false);
                }
            }
        }

        /// <summary>Brings a guest what is said in the room. A guest who does not read gets a Loss, and disturbs nobody.</summary>
        private static async Task DeliverAsync(Subscription room, Screen screen)
        {
            try
            {
                while (await room.WaitToReadAsync().ConfigureAwait(false))
                {
                    while (room.TryRead(out RelayEvent one))
                    {
                        await screen.WriteAsync(Describe(one)).ConfigureAwait(false);
                    }
                }
            }
            catch (Exception e) when (e is IOException || e is ObjectDisposedException)
            {
                // The guest is gone.
            }
        }

        private static string Describe(RelayEvent one)
        {
            if (one is Message message)
            {
                return Utf8.GetString(message.Payload.ToArray());
            }
            if (one is Loss loss)
            {
                return $"* {loss.Messages} messages are missing here";
            }
            return one is Revoked revoked ? "* this room is closed: " + revoked.Detail : "* something may be missing here: " + one;
        }

        /// <summary>A guest's terminal, which two may write to.</summary>
        private sealed class Screen : IDisposable
        {
            private readonly SemaphoreSlim turn = new SemaphoreSlim(1, 1);
            private readonly NetworkStream stream;

            public Screen(NetworkStream stream)
            {
                this.stream = stream;
            }

            public async Task WriteAsync(string line)
            {
                byte[] bytes = Utf8.GetBytes(line + "\n");
                await turn.WaitAsync().ConfigureAwait(false);
                try
                {
                    await stream.WriteAsync(bytes, 0, bytes.Length).ConfigureAwait(false);
                }
                finally
                {
                    turn.Release();
                }
            }

            public void Dispose()
            {
                turn.Dispose();
            }
        }
    }
}
