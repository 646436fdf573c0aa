using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Hubrelay;
using Hubrelay.SignalR;
using Hubrelay.Tests;

namespace SignalRServer
{
    /// <summary>
    /// A server of a SignalR farm without ASP.NET Core: the hub's backplane with connections that a test is the client of.
    /// It takes commands by TCP, one in a line of JSON, and tells the test by lines of its output what comes of them, and what
    /// connections receive and hooks are told.
    /// </summary>
    internal sealed class Server
    {
        private static readonly object Output = new object();

        private readonly ConcurrentDictionary<string, FakeConnection> connections = new ConcurrentDictionary<string, FakeConnection>();
        private readonly HubBackplane<FakeMessage> hub;

        private Server(string relay, string name, string hubName)
        {
            var client = new HubrelayClient(relay, name, new HubrelayOptions
            {
                GapDelay = TimeSpan.FromMilliseconds(100),
                Successor = TimeSpan.FromSeconds(10), // a busy machine makes no Gap of a restart
            });
            hub = new Backplane(client, line => Say("log", ("line", line))).AddHub(hubName, new FakeFramework(),
                new HubBackplaneOptions { ServerName = name, Hooks = new Hooks() });
        }

        private static int Main(string[] arguments)
        {
            var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            var server = new Server(arguments[0], arguments[1], arguments[2]);
            Console.WriteLine($"ready {((IPEndPoint)listener.LocalEndpoint).Port}");
            Console.Out.Flush();
            using (TcpClient test = listener.AcceptTcpClient())
            using (var commands = new StreamReader(test.GetStream(), Encoding.UTF8))
            {
                for (string line = commands.ReadLine(); line != null; line = commands.ReadLine())
                {
                    _ = server.RunAsync(Json.Parse(line));
                }
            }
            Environment.Exit(0);
            return 0;
        }

        private async Task RunAsync(Dictionary<string, object> command)
        {
            object result = null;
            string error = null;
            try
            {
                result = await DoAsync(command).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                error = $"{e.GetType().Name}: {e.Message}";
            }
            Say("done", ("command", command["id"]), ("error", error), ("result", result));
        }

        private async Task<object> DoAsync(Dictionary<string, object> command)
        {
            Func<string, string> text = name => (string)command[name];
            Func<string, string[]> list = name => ((List<object>)command[name]).Cast<string>().ToArray();
            object[] args = command.TryGetValue("args", out object given) ? ((List<object>)given).ToArray() : new object[0];
            switch (text("do"))
            {
                case "connect": await ConnectAsync(text("connection"), text("user"), text("protocol")).ConfigureAwait(false); break;
                case "disconnect": await DisconnectAsync(text("connection")).ConfigureAwait(false); break;
                case "all": await hub.SendAllAsync(text("method"), args).ConfigureAwait(false); break;
                case "allexcept": await hub.SendAllExceptAsync(text("method"), args, list("except")).ConfigureAwait(false); break;
                case "connection": await hub.SendConnectionAsync(text("to"), text("method"), args).ConfigureAwait(false); break;
                case "connections": await hub.SendConnectionsAsync(list("to"), text("method"), args).ConfigureAwait(false); break;
                case "group": await hub.SendGroupAsync(text("to"), text("method"), args).ConfigureAwait(false); break;
                case "groups": await hub.SendGroupsAsync(list("to"), text("method"), args).ConfigureAwait(false); break;
                case "groupexcept":
                    await hub.SendGroupExceptAsync(text("to"), text("method"), args, list("except")).ConfigureAwait(false);
                    break;
                case "user": await hub.SendUserAsync(text("to"), text("method"), args).ConfigureAwait(false); break;
                case "users": await hub.SendUsersAsync(list("to"), text("method"), args).ConfigureAwait(false); break;
                case "local": await hub.SendLocalAsync(text("method"), args).ConfigureAwait(false); break;
                case "join": await hub.AddToGroupAsync(text("connection"), text("group")).ConfigureAwait(false); break;
                case "leave": await hub.RemoveFromGroupAsync(text("connection"), text("group")).ConfigureAwait(false); break;
                case "invoke": return await InvokeAsync(text("to"), text("method"), args, text("seconds")).ConfigureAwait(false);
                case "answer": await AnswerAsync(text("connection"), text("invocation"), command).ConfigureAwait(false); break;
                default: throw new ArgumentException($"no such command: {text("do")}");
            }
            return null;
        }

        private async Task ConnectAsync(string id, string user, string protocol)
        {
            var connection = new FakeConnection(id, user, protocol)
            {
                OnReceived = text => Say("received", ("connection", id), ("text", text)),
            };
            connections[id] = connection;
            await hub.OnConnectedAsync(connection).ConfigureAwait(false);
        }

        private Task DisconnectAsync(string id)
        {
            connections[id].Abort(); // as ASP.NET Core does before it tells the lifetime manager
            return hub.OnDisconnectedAsync(id);
        }

        private async Task<object> InvokeAsync(string to, string method, object[] args, string seconds)
        {
            using (var patience = new CancellationTokenSource(TimeSpan.FromSeconds(int.Parse(seconds))))
            {
                return await hub.InvokeConnectionAsync<string>(to, method, args, patience.Token).ConfigureAwait(false);
            }
        }

        /// <summary>The client returns a result, or an error: as the type that its hub protocol is to read it as.</summary>
        private Task AnswerAsync(string connection, string invocation, Dictionary<string, object> command)
        {
            var error = (string)command["error"];
            object result = command["result"];
            if (error == null && hub.TryGetReturnType(invocation, out Type type) && type == typeof(FakeRawResult))
            {
                result = new FakeRawResult(Quote((string)result));
            }
            return hub.SetConnectionResultAsync(connection, new Completion(invocation, error, result, error == null));
        }

        private static void Say(string what, params (string, object)[] values)
        {
            var line = new StringBuilder($"say {{\"what\":{Quote(what)}");
            foreach ((string, object) one in values)
            {
                line.Append($",{Quote(one.Item1)}:{(one.Item2 == null ? "null" : Quote(one.Item2.ToString()))}");
            }
            lock (Output)
            {
                Console.Out.WriteLine(line.Append('}'));
                Console.Out.Flush();
            }
        }

        private static string Quote(string text)
        {
            var json = new StringBuilder("\"");
            foreach (char c in text)
            {
                json.Append(c == '"' || c == '\\' ? "\\" + c : c < ' ' || c > '~' ? $"\\u{(int)c:x4}" : c.ToString());
            }
            return json.Append('"').ToString();
        }

        private sealed class Hooks : HubBackplaneHooks
        {
            public override void OnStatus(Status status)
            {
                Say("status", ("state", status.State), ("publishing", status.IsPublishing), ("receiving", status.IsReceiving));
            }

            public override void OnGap(Gap gap)
            {
                Say("gap", ("reasons", string.Join(", ", gap.Reasons)));
            }

            public override void OnLoss(string channel, Loss loss)
            {
                Say("loss", ("channel", channel), ("messages", loss.Messages));
            }

            public override void OnRevoked(Revoked revoked)
            {
                Say("revoked", ("channels", string.Join(" ", revoked.Channels)));
            }

            public override void OnFailure(string what, Exception error)
            {
                Say("failure", ("text", $"{what}: {error.Message}"));
            }
        }
    }
}
