using System;
using System.Linq;
using System.Text;
using Hubrelay.Testing;
using Hubrelay.Wire;

namespace Hubrelay.Tests
{
    /// <summary>What decides without a clock and without a socket.</summary>
    public sealed class DecisionTests
    {
        [Test]
        public void BackoffDoublesToItsBoundAndIsRandom()
        {
            var backoff = new Backoff(20, 500, 30000, new Random(1));
            foreach (long bound in new long[] { 20, 40, 80, 160, 320, 500, 500 })
            {
                backoff.Failed(false);
                long[] delays = Enumerable.Range(0, 300).Select(_ => backoff.Delay()).ToArray();
                Check.That(delays.Min() >= 0 && delays.Min() < bound / 4, $"the shortest delay is {delays.Min()} of {bound}");
                Check.That(delays.Max() <= bound && delays.Max() > bound * 3 / 4, $"the longest delay is {delays.Max()} of {bound}");
            }
            backoff.Good();
            Check.That(Enumerable.Range(0, 300).Max(_ => backoff.Delay()) <= 20, "after a good connection it begins anew");
        }

        [Test]
        public void BackoffOfAHopelessRelayIsSlow()
        {
            var backoff = new Backoff(20, 500, 30000, new Random(1));
            backoff.Failed(true);
            long first = backoff.Delay();
            Check.That(first >= 500 && first <= 1000, $"the first delay is {first}");
            for (int i = 0; i < 100; i++)
            {
                backoff.Failed(true);
            }
            long last = backoff.Delay();
            Check.That(last >= 15000 && last <= 30000, $"the last delay is {last}");
            backoff.Failed(false);
            Check.That(backoff.Delay() <= 20, "another end leads back to the ordinary bound");
        }

        [Test]
        public void LivenessPingsAndGivesUp()
        {
            var liveness = new Liveness(5000, 15000, 5000, 1000);
            Check.Equal(16000, liveness.Due, "due while nothing is owed");
            liveness.Owed(3000);
            Check.Equal(8000, liveness.Due, "due while something is owed");
            Check.Equal(LivenessAction.Wait, liveness.Check(7999));
            Check.Equal(LivenessAction.Ping, liveness.Check(8000));
            Check.Equal(LivenessAction.Wait, liveness.Check(12999));
            liveness.Read(12999);
            Check.Equal(17999, liveness.Due, "due after a byte");
            liveness.NothingOwed();
            Check.Equal(27999, liveness.Due, "due after the Reply");
            Check.Equal(LivenessAction.Ping, liveness.Check(27999));
            Check.Equal(LivenessAction.GiveUp, liveness.Check(32999));
        }

        [Test]
        public void SettlerTellsExactlyWhatIsUnknown()
        {
            var settler = new Settler(1000) { Asks = true };
            settler.WaitSince(10);
            for (int i = 0; i < 5; i++)
            {
                settler.Send();
            }
            Check.Equal(1010, settler.Due, "due");
            settler.Ask();
            Check.Equal(Time.Never, settler.Due, "due while one is under way");
            settler.Send();
            settler.Loss(2);
            settler.Answered(true, 1200);
            Check.Equal(1UL, settler.Unknown(0), "unknown after the Reply");
            Check.Equal(2200, settler.Due, "due for the one behind it");
            settler.Loss(1);
            Check.Equal(0UL, settler.Unknown(0), "unknown after its Loss");
            settler.Send();
            Check.Equal(0UL, settler.Unknown(1), "unknown when it was not written");
            settler.Ask();
            settler.Answered(false, 3000);
            Check.Equal(1UL, settler.Unknown(0), "unknown when the Ping was not OK");
        }

        [Test]
        public void GapWaitsForReceivingTheBarrierAndTheDelay()
        {
            var gap = new GapTracker(2000, 5000, () => 0.5);
            gap.Note(GapTracker.NewConnection, 0);
            Check.Equal(Time.Never, gap.Due, "due while not receiving");
            gap.Begin(true, 1, 100);
            Check.Equal(Time.Never, gap.Due, "due while a Subscribe is unanswered");
            gap.Answered(200);
            Check.Equal(1200, gap.Due, "due");
            gap.Note(GapTracker.Gaps, 500);
            gap.Begin(false, 0, 600);
            Check.Equal(Time.Never, gap.Due, "due after a break");
            gap.Begin(true, 0, 700);
            Check.That(gap.Fire(1699) == null, "too early");
            Gap told = gap.Fire(1700);
            Check.Equal("new connection, gaps", string.Join(", ", told.Reasons), "reasons");
            Check.That(!told.IsPartial && gap.Fire(9999) == null, "told once, and whole");
        }

        [Test]
        public void PartialGapComesWhileAPartIsAway()
        {
            var gap = new GapTracker(2000, 5000, () => 0.5);
            gap.Note(GapTracker.Gaps, 0);
            gap.Grew(1000);
            Check.Equal(Time.Never, gap.Due, "due while all is away");
            gap.IsDegraded = true;
            Check.Equal(6000, gap.Due, "due");
            Check.That(gap.Fire(6000).IsPartial, "it is partial");
            Check.That(gap.Fire(60000) == null, "once for each break");
            gap.Begin(true, 0, 70000);
            Check.That(!gap.Fire(71000).IsPartial, "the whole one follows");
        }

        [Test]
        public void TextsAreStrictUtf8()
        {
            foreach (string text in new[] { "", "room", "caf\u00e9", "\u20ac", "\ud83d\ude00", "\ufeff", "\uffff" })
            {
                byte[] bytes = Encoding.UTF8.GetBytes(text);
                Check.Equal(bytes.Length, Utf8.Size(text), text);
                var written = new byte[bytes.Length];
                Check.Equal(bytes.Length, Utf8.Write(text, bytes.Length, written, 0), text);
                Check.That(written.SequenceEqual(bytes) && Utf8.Valid(bytes, 0, bytes.Length), text);
                Check.Equal(text, Utf8.Read(bytes, 0, bytes.Length));
            }
            foreach (string text in new[] { "\ud800", "\udc00", "a\ud83d", "\ude00\ud83d" })
            {
                Check.Equal(-1, Utf8.Size(text), "half a surrogate pair");
            }
            foreach (byte[] bytes in new[]
            {
                new byte[] { 0x80 }, new byte[] { 0xc0, 0x80 }, new byte[] { 0xc3 }, new byte[] { 0xe0, 0x9f, 0xbf },
                new byte[] { 0xed, 0xa0, 0x80 }, new byte[] { 0xf0, 0x8f, 0xbf, 0xbf }, new byte[] { 0xf4, 0x90, 0x80, 0x80 },
                new byte[] { 0xf5, 0x80, 0x80, 0x80 }, new byte[] { 0xe2, 0x82 }, new byte[] { 0xff },
            })
            {
                Check.That(!Utf8.Valid(bytes, 0, bytes.Length), BitConverter.ToString(bytes));
            }
        }

        [Test]
        public void TheBufferGrowsAsBytesCome()
        {
            const int first = 64 * 1024;
            const int claimed = int.MaxValue - 100;
            Check.Equal(first, Connection.BufferSize(first, 8, claimed), "for a few bytes");
            Check.Equal(2 * first, Connection.BufferSize(first, first, claimed), "when it is full");
            Check.Equal(claimed, Connection.BufferSize(1 << 30, 1 << 30, claimed), "when doubling would be too much");
            Check.Equal(first + 10, Connection.BufferSize(first, first, first + 10), "for the rest of a frame");
            Check.Equal(first, Connection.BufferSize(1 << 20, 10, 100), "behind a large frame");
        }

        [Test]
        public void NamesThatCollideInOneProcessDoNotInAnother()
        {
            byte[] data = Encoding.UTF8.GetBytes("costarring liquid"); // they collide in FNV-1a of 32 bits
            var one = new Slice(0, 10);
            var other = new Slice(11, 6);
            foreach (ulong factor in new ulong[] { 0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f })
            {
                Check.That(NameTable.Hash(data, one, factor) != NameTable.Hash(data, other, factor), "they do not collide");
            }
            Check.That(NameTable.Hash(data, one, 0x9e3779b97f4a7c15) != NameTable.Hash(data, one, 0xc2b2ae3d27d4eb4f), "factors differ");
            Entry[] entries = { new NameTable(false).Get("costarring"), new NameTable(false).Get("liquid") };
            Check.That(entries[0].Hash != entries[1].Hash, "nor do they in this process");
        }

        [Test]
        public void AnOptionOutOfItsRangeIsNamed()
        {
            foreach (HubrelayOptions wrong in new[]
            {
                new HubrelayOptions { BackoffMin = TimeSpan.Zero }, new HubrelayOptions { BackoffMin = TimeSpan.FromTicks(1) },
            })
            {
                ArgumentOutOfRangeException e = Check.Fails<ArgumentOutOfRangeException>(() => wrong.CheckedCopy());
                Check.That(e.Message.Contains("BackoffMin has to be between 1 ms and 24 days"), e.Message);
            }
            var bound = new HubrelayOptions { MaxQueueBytes = 0 };
            ArgumentOutOfRangeException other = Check.Fails<ArgumentOutOfRangeException>(() => bound.CheckedCopy());
            Check.That(other.Message.Contains("MaxQueueBytes has to be above 0"), other.Message);
            Check.Equal(2, HubrelayClient.Ms(TimeSpan.FromTicks(10001)), "a part of a millisecond is a whole one");
        }

        [Test]
        public void NamesAreFoundByTheirBytes()
        {
            var table = new NameTable(false);
            Entry[] entries = Enumerable.Range(0, 1000).Select(i => table.Get("room." + i)).ToArray();
            Check.Equal(1000, table.Count, "count");
            Check.That(table.Get("room.7") == entries[7], "made once");
            byte[] data = Encoding.UTF8.GetBytes("xroom.512y");
            Check.That(table.Find(data, new Slice(1, 8)) == entries[512], "found in a buffer");
            foreach (Entry e in entries.Where((_, i) => i % 2 == 0))
            {
                table.Remove(e);
            }
            Check.Equal(500, table.All.Count(), "left");
            Check.That(table.Find("room.512") == null && table.Find("room.513") == entries[513], "removed, and kept");
        }

        [Test]
        public void PatternsMatchAsRedisSays()
        {
            foreach (string yes in new[]
            {
                "* x", "room.? room.7", "h[ae]llo hallo", "h[^e]llo hallo", "h[a-c]llo hbllo", @"a\*b a*b", "a*c abbc",
            })
            {
                Check.That(Glob.Matches(yes.Split(' ')[0], yes.Split(' ')[1]), yes);
            }
            foreach (string no in new[]
            {
                "room.? room.77", "h[^a]llo hallo", "h[a-c]llo hdllo", @"a\*b axb", "caf? caf\u00e9", "a*c abcd",
            })
            {
                Check.That(!Glob.Matches(no.Split(' ')[0], no.Split(' ')[1]), no);
            }
        }
    }
}
