using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Hubrelay.SignalR;

namespace Hubrelay.Tests
{
    /// <summary>Results of clients, from connections here and on another server.</summary>
    public sealed class HubResultTests
    {
        private static readonly object[] None = { };

        [Test]
        public Task AResultComesBackToWhoAsked()
        {
            return HubFixture.WithTwo(async (hub, one, two) =>
            {
                foreach (HubBackplane<FakeMessage> asked in new[] { one, two })
                {
                    FakeConnection a = await HubFixture.ConnectAsync(asked, "of " + asked.ServerName);
                    Task<int> result = one.InvokeConnectionAsync<int>(a.ConnectionId, "Add", new object[] { 1, 2 }, CancellationToken.None);
                    string id = await a.NextInvocationAsync();
                    Check.That(asked.TryGetReturnType(id, out Type type), "the result is awaited");
                    Check.Equal(asked == one ? typeof(int) : typeof(FakeRawResult), type);
                    object given = asked == one ? (object)3 : new FakeRawResult("3");
                    await Check.Soon(asked.SetConnectionResultAsync(a.ConnectionId, new Completion(id, null, given, true)));
                    Check.Equal(3, await Check.Soon(result), "the result");
                    Check.That(!one.TryGetReturnType(id, out _) && !two.TryGetReturnType(id, out _), "nobody awaits it any more");
                }
            });
        }

        [Test]
        public Task TheRequestAndTheResultAreTheseBytes()
        {
            return HubFixture.WithTwo(async (hub, one, two) =>
            {
                FakeConnection b = await HubFixture.ConnectAsync(two, "b");
                Task<string> result = one.InvokeConnectionAsync<string>("b", "Ask", None, CancellationToken.None);
                string id = await b.NextInvocationAsync();
                await Check.Soon(two.SetConnectionResultAsync("b", new Completion(id, null, new FakeRawResult("\"yes\""), true)));
                Check.Equal("yes", await Check.Soon(result));
                BackplaneInvocation request = BackplaneProtocol.ReadInvocation(hub.Relay.Published[0].Payload);
                Check.Equal("Chat.Hub:connection:b Chat.Hub:internal:return:one " + id,
                    $"{hub.Relay.Published[0].Channel} {request.ReturnChannel} {request.InvocationId}");
                Check.Equal("Chat.Hub:internal:return:one", hub.Relay.Published[1].Channel, "where the result went");
                SerializedMessage completion = BackplaneProtocol.ReadCompletion(hub.Relay.Published[1].Payload);
                Check.Equal($"{{\"type\":3,\"invocationId\":\"{id}\",\"result\":\"yes\"}}\u001e",
                    Encoding.UTF8.GetString(completion.Serialized.ToArray()));
            });
        }

        [Test]
        public Task AnErrorOfTheClientIsTheFrameworksException()
        {
            return HubFixture.WithTwo(async (hub, one, two) =>
            {
                foreach (HubBackplane<FakeMessage> asked in new[] { one, two })
                {
                    FakeConnection a = await HubFixture.ConnectAsync(asked, "of " + asked.ServerName);
                    Task<int> result = one.InvokeConnectionAsync<int>(a.ConnectionId, "Add", None, CancellationToken.None);
                    string id = await a.NextInvocationAsync();
                    await Check.Soon(asked.SetConnectionResultAsync(a.ConnectionId, new Completion(id, "no", null, false)));
                    Check.Equal("no", (await Check.FailsAsync<FakeHubException>(result)).Message);
                }
            });
        }

        [Test]
        public Task AResultOfAnotherTypeIsAnError()
        {
            return HubFixture.WithTwo(async (hub, one, two) =>
            {
                FakeConnection a = await HubFixture.ConnectAsync(one, "a"), b = await HubFixture.ConnectAsync(two, "b");
                Task<int> there = one.InvokeConnectionAsync<int>("b", "Add", None, CancellationToken.None);
                string id = await b.NextInvocationAsync();
                await Check.Soon(two.SetConnectionResultAsync("b", new Completion(id, null, new FakeRawResult("\"three\""), true)));
                Check.Equal("Client result wasn't deserializable to Int32.", (await Check.FailsAsync<FakeHubException>(there)).Message);
                foreach (object wrong in new object[] { "three", null })
                {
                    Task<int> here = one.InvokeConnectionAsync<int>("a", "Add", None, CancellationToken.None);
                    await one.SetConnectionResultAsync("a", new Completion(await a.NextInvocationAsync(), null, wrong, true));
                    Check.Equal("Client result wasn't deserializable to Int32.", (await Check.FailsAsync<FakeHubException>(here)).Message);
                }
                Task<string> nothing = one.InvokeConnectionAsync<string>("a", "Ask", None, CancellationToken.None);
                await one.SetConnectionResultAsync("a", new Completion(await a.NextInvocationAsync(), null, null, true));
                Check.That(await Check.Soon(nothing) == null, "null is a result");
            });
        }

        [Test]
        public Task AConnectionThatIsNowhereIsTold()
        {
            return HubFixture.WithTwo(async (hub, one, two) =>
            {
                IOException e = await Check.FailsAsync<IOException>(
                    one.InvokeConnectionAsync<int>("1234", "Add", None, CancellationToken.None));
                Check.Equal("Connection '1234' does not exist.", e.Message);
            });
        }

        [Test]
        public Task AConnectionThatEndsIsTold()
        {
            return HubFixture.WithTwo(async (hub, one, two) =>
            {
                FakeConnection a = await HubFixture.ConnectAsync(one, "a"), b = await HubFixture.ConnectAsync(two, "b");
                Task<int> here = one.InvokeConnectionAsync<int>("a", "Add", None, CancellationToken.None);
                Task<int> there = one.InvokeConnectionAsync<int>("b", "Add", None, CancellationToken.None);
                await a.NextAsync();
                await b.NextAsync();
                a.Abort();
                b.Abort();
                Check.Equal("Connection 'a' disconnected.", (await Check.FailsAsync<IOException>(here)).Message);
                Check.Equal("Connection disconnected.", (await Check.FailsAsync<FakeHubException>(there)).Message);
            });
        }

        [Test]
        public Task WhoGivesUpIsToldAndALateResultDoesNoHarm()
        {
            return HubFixture.WithTwo(async (hub, one, two) =>
            {
                FakeConnection b = await HubFixture.ConnectAsync(two, "b");
                using (var cancelled = new CancellationTokenSource())
                {
                    Task<int> result = one.InvokeConnectionAsync<int>("b", "Add", None, cancelled.Token);
                    string id = await b.NextInvocationAsync();
                    cancelled.Cancel();
                    Check.Equal("Invocation canceled by the server.", (await Check.FailsAsync<FakeHubException>(result)).Message);
                    Check.That(!one.TryGetReturnType(id, out _), "nobody awaits it any more");
                    await Check.Soon(two.SetConnectionResultAsync("b", new Completion(id, null, new FakeRawResult("3"), true)));
                }
                Task<int> next = one.InvokeConnectionAsync<int>("b", "Add", None, CancellationToken.None);
                string second = await b.NextInvocationAsync();
                await Check.Soon(two.SetConnectionResultAsync("b", new Completion(second, null, new FakeRawResult("4"), true)));
                Check.Equal(4, await Check.Soon(next), "the next result");
            });
        }

        [Test]
        public Task OnlyTheConnectionThatWasAskedMayAnswer()
        {
            return HubFixture.WithTwo(async (hub, one, two) =>
            {
                FakeConnection a = await HubFixture.ConnectAsync(one, "a");
                Task<int> result = one.InvokeConnectionAsync<int>("a", "Add", None, CancellationToken.None);
                string id = await a.NextInvocationAsync();
                Check.Fails<InvalidOperationException>(() => one.SetConnectionResultAsync("b", new Completion(id, null, 3, true)));
                await Check.Soon(one.SetConnectionResultAsync("b", new Completion("unknown", null, 3, true)));
                await Check.Soon(one.SetConnectionResultAsync("a", new Completion(id, null, 3, true)));
                Check.Equal(3, await Check.Soon(result), "the result");
            });
        }

        [Test]
        public async Task AResultInAProtocolThatIsNotHereIsTold()
        {
            using (var hub = new HubFixture())
            {
                var hooks = new RecordingHooks();
                HubBackplane<FakeMessage> one = await hub.ServerAsync("one", hooks);
                await HubFixture.ConnectAsync(one, "a");
                foreach ((string, string) wrong in new[]
                {
                    ("other", "other, which this server does not have"), ("json", "cannot be read"),
                })
                {
                    hub.Relay.Publish("Chat.Hub:internal:return:one",
                        BackplaneProtocol.WriteCompletion(new SerializedMessage(wrong.Item1, new byte[] { 1 })));
                    string told = await hooks.NextAsync("failure");
                    Check.That(told.Contains(wrong.Item2), told);
                }
            }
        }

        [Test]
        public async Task AnInvocationIdThatIsInUseIsAnError()
        {
            using (var hub = new HubFixture())
            {
                HubBackplane<FakeMessage> one = await hub.ServerAsync("one");
                FakeConnection a = await HubFixture.ConnectAsync(one, "a");
                IReadOnlyList<SerializedMessage> ask = new FakeFramework("json").Serialize("i", "Ask", None);
                byte[] request = BackplaneProtocol.WriteInvocation(ask, null, "i", "back");
                hub.Relay.Publish("Chat.Hub:connection:a", request);
                await a.NextAsync();
                hub.Relay.Publish("Chat.Hub:connection:a", request);
                await hub.Relay.WaitForPublishedAsync(1, Program.Patience);
                SerializedMessage completion = BackplaneProtocol.ReadCompletion(hub.Relay.Published[0].Payload);
                string text = Encoding.UTF8.GetString(completion.Serialized.ToArray());
                Check.That(hub.Relay.Published[0].Channel == "back" && text.Contains("The invocation ID i is in use."), text);
            }
        }
    }
}
