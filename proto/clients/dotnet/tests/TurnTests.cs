using System;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;

namespace Hubrelay.Tests
{
    /// <summary>The application's code on the reading thread.</summary>
    public sealed class TurnTests
    {
        private static readonly byte[] Payload = { 1 };

        [Test]
        public Task CodeThatBlocksTheReadingThreadHoldsUpNobody()
        {
            return ClientTests.With(async (relay, client) =>
            {
                var blocked = new ManualResetEventSlim();
                var release = new ManualResetEventSlim();
                relay.Stall(); // so that the Reply comes when it is waited for
                Task blocking = Block(client, blocked, release);
                relay.Resume();
                Check.That(await Check.Soon(Task.Run(() => blocked.Wait(Program.Patience))), "it blocks");
                for (int i = 0; i < 3; i++)
                {
                    await Check.Soon(client.PublishAsync("room", Payload)); // another thread reads the Reply
                }
                Check.That(!blocking.IsCompleted, "it blocks still");
                release.Set();
                await Check.Soon(blocking);
            });
        }

        [Test]
        public Task CodeThatBlocksAtTheEndOfAConnectionHoldsUpNobody()
        {
            return ClientTests.With(async (relay, client) =>
            {
                relay.Stall();
                var release = new ManualResetEventSlim();
                var failed = new CountdownEvent(8);
                Task[] callers = Enumerable.Range(0, 8).Select(_ => BlockWhenInterrupted(client, failed, release)).ToArray();
                await relay.WaitForPublishedAsync(8, Program.Patience);
                relay.Cut();
                Check.That(await Check.Soon(Task.Run(() => failed.Wait(Program.Patience))), "all are told, though each of them blocks");
                release.Set();
                await Check.Soon(Task.WhenAll(callers));
            });
        }

        [Test]
        public Task CodeThatWaitsForItsOwnReplyGetsIt()
        {
            return ClientTests.With(async (relay, client) =>
            {
                await Check.Soon(Task.Run(() => WaitInAContinuation(client)));
            });
        }

        [Test]
        public Task WhatIsPublishedInOneTurnIsWrittenInTheEnd()
        {
            return ClientTests.With(async (relay, client) =>
            {
                relay.Stall();
                Task[] callers = Enumerable.Range(0, 64).Select(i => PublishTwice(client, "room." + i)).ToArray();
                await relay.WaitForPublishedAsync(64, Program.Patience);
                relay.Resume();
                await Check.Soon(Task.WhenAll(callers));
                Check.Equal(128, relay.Published.Count, "published");
            });
        }

        [Test]
        public Task ContinuationsGoOnInTheThreadPoolIfAskedTo()
        {
            return ClientTests.With(async (relay, client) =>
            {
                await Check.Soon(Task.Run(async () =>
                {
                    await client.PublishAsync("room", Payload).ConfigureAwait(false);
                    Check.That(Thread.CurrentThread.IsThreadPoolThread, "it is a thread of the pool");
                }));
            }, new HubrelayOptions { RunContinuationsAsynchronously = true });
        }

        private static async Task Block(HubrelayClient client, ManualResetEventSlim blocked, ManualResetEventSlim release)
        {
            await client.PublishAsync("room", Payload).ConfigureAwait(false);
            blocked.Set();
            release.Wait(Program.Patience);
        }

        private static async Task BlockWhenInterrupted(HubrelayClient client, CountdownEvent failed, ManualResetEventSlim release)
        {
            try
            {
                await client.PublishAsync("room", Payload).ConfigureAwait(false);
            }
            catch (InterruptedException)
            {
                failed.Signal();
                release.Wait(Program.Patience);
            }
        }

        private static async Task WaitInAContinuation(HubrelayClient client)
        {
            await client.PublishAsync("room", Payload).ConfigureAwait(false);
            Check.That(client.PublishAsync("room", Payload).Wait(Program.Patience), "the Reply has come");
        }

        private static async Task PublishTwice(HubrelayClient client, string channel)
        {
            await client.PublishAsync(channel, Payload).ConfigureAwait(false);
            await client.PublishAsync(channel, Payload).ConfigureAwait(false);
        }
    }
}
