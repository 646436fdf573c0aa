using System;
using System.Buffers;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Hubrelay.SignalR;
using Hubrelay.SignalR.AspNetCore;
using Hubrelay.Testing;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Protocol;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Envelope = Hubrelay.SignalR.SerializedMessage;

namespace Hubrelay.Tests
{
    /// <summary>
    /// The classes for ASP.NET Core, against stand-ins of its types: that they fit together, and call what they ought to. Whether
    /// ASP.NET Core does, only ASP.NET Core can tell.
    /// </summary>
    public sealed class LifetimeManagerTests
    {
        private static readonly object[] Hi = { "hi" };

        [Test]
        public Task EachMethodCallsTheBackplanes()
        {
            return With(async (one, two) =>
            {
                TestContext a = await ConnectAsync(one, "a", "ann"), b = await ConnectAsync(two, "b", "ben");
                await Check.Soon(one.SendAllAsync("All", Hi));
                await Check.Soon(one.SendAllExceptAsync("But a", Hi, new[] { "a" }));
                await Check.Soon(one.SendConnectionAsync("b", "One", Hi));
                await Check.Soon(one.SendConnectionsAsync(new[] { "b" }, "Several", Hi));
                await Check.Soon(one.SendUserAsync("ben", "User", Hi));
                await Check.Soon(one.SendUsersAsync(new[] { "ben" }, "Users", Hi));
                Check.Equal("All But a One Several User Users", await b.AllAsync(6)); // channels have no order among them
                Check.Equal("All", await a.NextAsync());
                await Check.Soon(one.AddToGroupAsync("b", "room"));
                await Check.Soon(one.SendGroupAsync("room", "Group", Hi));
                Check.Equal("Group", await b.NextAsync());
                await Check.Soon(one.SendGroupsAsync(new[] { "room" }, "Groups", Hi));
                Check.Equal("Groups", await b.NextAsync());
                await Check.Soon(one.SendGroupExceptAsync("room", "But b", Hi, new[] { "b" }));
                await Check.Soon(one.RemoveFromGroupAsync("b", "room"));
                await Check.Soon(one.SendAllAsync("End", Hi));
                Check.Equal("End", await b.NextAsync());
                await Check.Soon(one.OnDisconnectedAsync(a));
                await Check.Soon(one.SendConnectionAsync("a", "Nobody", Hi));
                await Check.FailsAsync<System.IO.IOException>(one.InvokeConnectionAsync<int>("a", "Add", Hi, CancellationToken.None));
            });
        }

        [Test]
        public Task ResultsAreReadByTheHubProtocol()
        {
            return With(async (one, two) =>
            {
                TestContext b = await ConnectAsync(two, "b", null);
                foreach (string json in new[] { "3", "\"three\"" })
                {
                    Task<int> result = one.InvokeConnectionAsync<int>("b", "Add", Hi, CancellationToken.None);
                    Check.Equal("Add", await b.NextAsync());
                    Check.That(two.TryGetReturnType(b.LastInvocation, out Type type) && type == typeof(RawResult), "the type here");
                    Check.That(one.TryGetReturnType(b.LastInvocation, out type) && type == typeof(int), "the type there");
                    var raw = new RawResult(new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(json)));
                    await Check.Soon(two.SetConnectionResultAsync("b", new CompletionMessage(b.LastInvocation, null, raw, true)));
                    if (json == "3")
                    {
                        Check.Equal(3, await Check.Soon(result), "the result");
                        continue;
                    }
                    Check.Equal("Client result wasn't deserializable to Int32.", (await Check.FailsAsync<HubException>(result)).Message);
                }
            });
        }

        [Test]
        public void AddHubrelayRegistersWhatIsNeeded()
        {
            var builder = new Builder();
            Check.That(builder.AddHubrelay("/tmp/relay.sock", options => options.ClientName = "chat") == builder, "it can be chained");
            Check.Equal("HubrelayConnection HubrelayConnection, HubLifetimeManager`1 HubrelayHubLifetimeManager`1", builder.Added);
            var given = new HubrelaySignalROptions();
            ((Action<HubrelaySignalROptions>)builder.Configured)(given);
            Check.Equal("/tmp/relay.sock chat", given.Path + " " + given.ClientName);
        }

        private static async Task With(Func<HubLifetimeManager<Chat>, HubLifetimeManager<Chat>, Task> test)
        {
            using (var relay = new FakeRelay())
            using (var first = new HubrelayConnection(OptionsFor(relay), new Logger()))
            using (var second = new HubrelayConnection(OptionsFor(relay), new Logger()))
            using (HubrelayHubLifetimeManager<Chat> one = ManagerOn(first), two = ManagerOn(second))
            {
                await test(one, two);
            }
        }

        private static IOptions<HubrelaySignalROptions> OptionsFor(FakeRelay relay)
        {
            return new Value<HubrelaySignalROptions>(new HubrelaySignalROptions
            {
                Path = relay.SocketPath,
                Client = FakeRelay.TestOptions(),
                Hub = type => new HubBackplaneOptions { AckTimeout = Program.Patience },
            });
        }

        private static HubrelayHubLifetimeManager<Chat> ManagerOn(HubrelayConnection connection)
        {
            var supported = new HubOptions { SupportedProtocols = new[] { "json" } };
            return new HubrelayHubLifetimeManager<Chat>(connection, new Resolver(), new Value<HubOptions>(supported),
                new Value<HubOptions<Chat>>(new HubOptions<Chat>()));
        }

        private static async Task<TestContext> ConnectAsync(HubLifetimeManager<Chat> manager, string id, string user)
        {
            var context = new TestContext(id) { UserIdentifier = user, Protocol = new JsonProtocol() };
            await Check.Soon(manager.OnConnectedAsync(context));
            return context;
        }

        private sealed class Chat : Hub
        {
        }

        private sealed class Value<T> : IOptions<T> where T : class
        {
            public Value(T value)
            {
                Held = value;
            }

            private T Held { get; }

            T IOptions<T>.Value => Held;
        }

        private sealed class Logger : ILogger<HubrelayConnection>
        {
        }

        private sealed class Builder : ISignalRServerBuilder, IServiceCollection
        {
            public string Added { get; private set; } = "";

            public Delegate Configured { get; private set; }

            public IServiceCollection Services => this;

            public void Add(Type service, Type implementation)
            {
                Added += (Added.Length == 0 ? "" : ", ") + service.Name + " " + implementation.Name;
            }

            public void Configure(Delegate configure)
            {
                Configured = configure;
            }
        }

        private sealed class Resolver : IHubProtocolResolver
        {
            public IReadOnlyList<IHubProtocol> AllProtocols { get; } = new IHubProtocol[] { new JsonProtocol() };

            public IHubProtocol GetProtocol(string protocolName, IReadOnlyList<string> supportedProtocols)
            {
                return AllProtocols.FirstOrDefault(p => p.Name == protocolName && supportedProtocols.Contains(protocolName));
            }
        }

        private sealed class JsonProtocol : IHubProtocol
        {
            private static readonly FakeFramework Framework = new FakeFramework("json");

            public string Name => "json";

            public ReadOnlyMemory<byte> GetMessageBytes(HubMessage message)
            {
                if (message is InvocationMessage invocation)
                {
                    return Framework.Serialize(invocation.InvocationId, invocation.Target, invocation.Arguments)[0].Serialized;
                }
                var completion = (CompletionMessage)message;
                object result = completion.Result is RawResult raw
                    ? new FakeRawResult(Encoding.UTF8.GetString(raw.RawSerializedData.ToArray())) : completion.Result;
                return FakeFramework.InJson(new Completion(completion.InvocationId, completion.Error, result, completion.HasResult));
            }

            public bool TryParseMessage(ref ReadOnlySequence<byte> input, IInvocationBinder binder, out HubMessage message)
            {
                message = null;
                if (!Framework.TryParse(new Envelope("json", input.ToArray()), id => TypeOf(binder, id), out Completion read))
                {
                    return false;
                }
                message = new CompletionMessage(read.InvocationId, read.Error, read.Result, read.HasResult);
                return true;
            }

            private static Type TypeOf(IInvocationBinder binder, string invocationId)
            {
                Type type = binder.GetReturnType(invocationId);
                return type == typeof(RawResult) ? typeof(FakeRawResult) : type;
            }
        }

        private sealed class TestContext : HubConnectionContext
        {
            private readonly FakeConnection client;

            public TestContext(string connectionId)
            {
                client = new FakeConnection(connectionId);
            }

            public override string ConnectionId => client.ConnectionId;

            public override CancellationToken ConnectionAborted => client.ConnectionAborted;

            public string LastInvocation { get; private set; }

            public override ValueTask WriteAsync(SerializedHubMessage message, CancellationToken cancellationToken = default)
            {
                var written = new FakeMessage(new[] { new Envelope("json", message.GetSerializedMessage(Protocol)) });
                return new ValueTask(client.WriteAsync(written, cancellationToken));
            }

            public async Task<string> NextAsync()
            {
                Dictionary<string, object> fields = Json.Parse(await client.NextAsync());
                fields.TryGetValue("invocationId", out object id);
                LastInvocation = (string)id;
                return (string)fields["target"];
            }

            public async Task<string> AllAsync(int count)
            {
                var all = new List<string>();
                while (all.Count < count)
                {
                    all.Add(await NextAsync());
                }
                return string.Join(" ", all.OrderBy(one => one));
            }
        }
    }
}
