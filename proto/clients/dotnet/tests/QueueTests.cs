using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace Hubrelay.Tests
{
    /// <summary>The bounded queue of events.</summary>
    public sealed class QueueTests
    {
        private readonly List<ICompletion> woken = new List<ICompletion>();
        private readonly QueueTotal total = new QueueTotal(1 << 20);

        [Test]
        public void DroppedMessagesAreTheLossInTheirPlace()
        {
            EventQueue queue = Queue(3 * 200);
            for (int i = 0; i < 10; i++)
            {
                Check.Equal(i < 3, queue.Push(Message(i), woken), $"message {i} is kept");
            }
            for (int i = 0; i < 3; i++)
            {
                Check.Equal(i, Number(Take(queue)), "a message");
            }
            queue.Push(Message(10), woken);
            var loss = (Loss)Take(queue);
            Check.Equal(7, loss.Messages, "messages lost");
            Check.That(loss.IsLocal && loss.Cause == RelayCause.SlowReader, "it is the queue's own");
            Check.Equal(10, Number(Take(queue)), "the message behind it");
            Check.Equal(0, total.Bytes, "bytes when all are taken");
        }

        [Test]
        public void OfStatusAndGapTheNewestAreKeptAndLossesAreSummed()
        {
            EventQueue queue = Queue(200, true);
            queue.Push(Message(0), woken);
            queue.Push(new Status("first"), woken);
            queue.Push(new Loss(1, 2, 3, RelayCause.Closed, "", false), woken);
            queue.Push(new Status("second"), woken);
            queue.Push(new Loss(10, 20, 30, RelayCause.Closed, "", true), woken);
            queue.Push(new Revoked(new[] { "a" }, new string[0], ""), woken);
            queue.Push(new Revoked(new[] { "b" }, new[] { "c" }, ""), woken);
            queue.Push(Message(1), woken);
            Take(queue);
            Check.Equal(1, ((Loss)Take(queue)).Messages, "its own Loss comes first");
            var sum = (Loss)Take(queue);
            Check.That(sum.Publishes == 11 && sum.PublishesUnknown == 22 && sum.Messages == 33 && !sum.IsLocal, $"the sum is {sum}");
            var revoked = (Revoked)Take(queue);
            Check.Equal("a,b", string.Join(",", revoked.Channels), "channels");
            Check.Equal("c", string.Join(",", revoked.Patterns), "patterns");
            Check.Equal("second", ((Status)Take(queue)).Reason, "the newest Status");
            Check.That(Take(queue) is Gap, "the Gap that its own Loss is");
            Check.That(!queue.TryTake(out _), "nothing more");
        }

        [Test]
        public void AnEmptyQueueTakesAnyEvent()
        {
            EventQueue queue = Queue(10);
            Check.That(queue.Push(Message(0), woken) && !queue.Push(Message(1), woken), "the first one only");
        }

        [Test]
        public void WhatSeveralHoldCountsOnceForAll()
        {
            var all = new QueueTotal(1000);
            var queues = new List<EventQueue>();
            var shared = new Message("room", new byte[500], "");
            for (int i = 0; i < 10; i++)
            {
                queues.Add(new EventQueue(1 << 20, all, false));
                Check.That(queues[i].Push(shared, woken), "an empty queue takes it");
            }
            Check.That(all.Bytes < 500 + 96 + 4 + 10 * 17, $"{all.Bytes} bytes are counted");
            Check.That(!queues[0].Push(new Message("room", new byte[500], ""), woken), "the bound of all queues holds");
            foreach (EventQueue queue in queues)
            {
                queue.Discard(woken);
            }
            Check.Equal(0, all.Bytes, "bytes at the end");
        }

        [Test]
        public void RoomIsToldWhenAFullQueueIsHalfEmpty()
        {
            EventQueue queue = Queue(400);
            int told = 0;
            queue.OnRoom = () => told++;
            queue.Push(Message(0), woken);
            queue.Push(Message(1), woken);
            Check.That(queue.IsFull(200), "it is full");
            Take(queue);
            Check.Equal(1, told, "told");
            Take(queue);
            Check.Equal(1, told, "told once");
        }

        [Test]
        public async Task ReadersAreWokenByEventsAndByTheEnd()
        {
            EventQueue queue = Queue(1000);
            ValueTask<bool> waiting = queue.WaitAsync(CancellationToken.None);
            Check.That(!waiting.IsCompleted, "it waits");
            queue.Push(Message(0), woken);
            woken.ForEach(one => one.Complete());
            Check.That(await Check.Soon(waiting.AsTask()), "there is one");
            Take(queue);
            woken.Clear();
            waiting = queue.WaitAsync(CancellationToken.None);
            queue.Close(woken);
            woken.ForEach(one => one.Complete());
            Check.That(!await Check.Soon(waiting.AsTask()), "it is the end");
        }

        [Test]
        public async Task AWaitEndsWithItsToken()
        {
            EventQueue queue = Queue(1000);
            using (var stop = new CancellationTokenSource())
            {
                Task waiting = queue.WaitAsync(stop.Token).AsTask();
                stop.Cancel();
                await Check.FailsAsync<System.OperationCanceledException>(waiting);
            }
            queue.Push(Message(0), woken);
            Check.Equal(0, woken.Count, "readers that are left to wake");
        }

        private EventQueue Queue(int limit, bool tellsGap = false)
        {
            return new EventQueue(limit, total, tellsGap);
        }

        /// <summary>A message of 200 bytes in a queue.</summary>
        private static Message Message(int number)
        {
            var payload = new byte[200 - RelayEvent.OwnBytes - 4];
            payload[0] = (byte)number;
            return new Message("room", payload, "");
        }

        private static int Number(RelayEvent one)
        {
            return ((Message)one).Payload.Span[0];
        }

        private static RelayEvent Take(EventQueue queue)
        {
            Check.That(queue.TryTake(out RelayEvent one), "there is an event");
            return one;
        }
    }
}
