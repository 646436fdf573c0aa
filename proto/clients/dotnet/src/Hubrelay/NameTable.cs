using System;
using System.Collections.Generic;
using System.Text;
using Hubrelay.Wire;

namespace Hubrelay
{
    /// <summary>One channel or pattern that somebody wants, or that a relay still holds. Guarded by the client's lock.</summary>
    internal sealed class Entry
    {
        public readonly string Text;
        public readonly byte[] Bytes;
        public readonly bool IsPattern;

        /// <summary>Who listens, in no order.</summary>
        public readonly List<Listener> Listeners = new List<Listener>(1);

        internal readonly uint Hash;
        internal Entry NextInBucket;

        public Entry(string text, byte[] bytes, uint hash, bool isPattern)
        {
            Text = text;
            Bytes = bytes;
            Hash = hash;
            IsPattern = isPattern;
        }

        /// <summary>SubscribeAsync has asked for it.</summary>
        public bool IsPlain { get; set; }

        /// <summary>The last plain request for it, while it has no Reply.</summary>
        public Request Asked { get; set; }

        /// <summary>How many connections know of it.</summary>
        public int Holds { get; set; }

        /// <summary>
        /// Somebody wants it, so that the next connection is asked for it. While plain requests for it have no Reply the last of
        /// them counts: Replies come in the order of the requests, so that its Reply will decide.
        /// </summary>
        public bool IsWanted => Listeners.Count > 0 || (Asked != null ? Asked.Kind == RequestKind.Subscribe : IsPlain);

        /// <summary>
        /// A plain request that is decided here, since no relay has to be asked. Replies to earlier requests, if they still come,
        /// change nothing any more.
        /// </summary>
        public void Decide(bool isPlain)
        {
            IsPlain = isPlain;
            Asked = null;
        }
    }

    /// <summary>A subscription's part in an entry.</summary>
    internal readonly struct Listener
    {
        public readonly Subscription Subscription;

        /// <summary>Which of the subscription's entries it is.</summary>
        public readonly int Index;

        public Listener(Subscription subscription, int index)
        {
            Subscription = subscription;
            Index = index;
        }
    }

    /// <summary>What one connection knows of one entry.</summary>
    internal sealed class Hold
    {
        /// <summary>By the Replies that have come.</summary>
        public bool IsHeld;

        /// <summary>Held, and not in force yet.</summary>
        public bool IsPending;

        /// <summary>The last request for it, while it has no Reply.</summary>
        public Request Last;

        /// <summary>Whether the relay will hold it once the last request has its Reply, if that is granted.</summary>
        public bool WillHold => Last != null ? Last.Kind == RequestKind.Subscribe : IsHeld;
    }

    /// <summary>Entries by their bytes, so that a message finds its own without a string being made.</summary>
    internal sealed class NameTable
    {
        // Odd, and another one in each process: users choose names, and must not be able to choose ones that collide.
        private static readonly ulong Factor = BitConverter.ToUInt64(Randomness.Bytes(8), 0) | 1;

        private readonly bool isPatterns;
        private Entry[] buckets = new Entry[16];

        public NameTable(bool isPatterns)
        {
            this.isPatterns = isPatterns;
        }

        public int Count { get; private set; }

        public IEnumerable<Entry> All
        {
            get
            {
                foreach (Entry first in buckets)
                {
                    for (Entry e = first; e != null; e = e.NextInBucket)
                    {
                        yield return e;
                    }
                }
            }
        }

        /// <summary>The entry of a name in a buffer, or null.</summary>
        public Entry Find(byte[] data, Slice name)
        {
            return Find(data, name, HashOf(data, name));
        }

        /// <summary>The entry of a name, or null.</summary>
        public Entry Find(string text)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            return Find(bytes, new Slice(0, bytes.Length));
        }

        /// <summary>The entry of a name, which is made if there is none.</summary>
        public Entry Get(string text)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            var all = new Slice(0, bytes.Length);
            uint hash = HashOf(bytes, all);
            Entry e = Find(bytes, all, hash);
            if (e == null)
            {
                if (Count == buckets.Length)
                {
                    Grow();
                }
                e = new Entry(text, bytes, hash, isPatterns);
                Put(e);
                Count++;
            }
            return e;
        }

        public void Remove(Entry gone)
        {
            uint at = gone.Hash & (uint)(buckets.Length - 1);
            if (buckets[at] == gone)
            {
                buckets[at] = gone.NextInBucket;
                Count--;
                return;
            }
            for (Entry e = buckets[at]; e != null; e = e.NextInBucket)
            {
                if (e.NextInBucket == gone)
                {
                    e.NextInBucket = gone.NextInBucket;
                    Count--;
                    return;
                }
            }
        }

        private Entry Find(byte[] data, Slice name, uint hash)
        {
            Entry e = buckets[hash & (uint)(buckets.Length - 1)];
            while (e != null && (e.Hash != hash || !Equal(e.Bytes, data, name)))
            {
                e = e.NextInBucket;
            }
            return e;
        }

        private void Put(Entry e)
        {
            uint at = e.Hash & (uint)(buckets.Length - 1);
            e.NextInBucket = buckets[at];
            buckets[at] = e;
        }

        private void Grow()
        {
            var all = new List<Entry>(All);
            buckets = new Entry[2 * buckets.Length];
            foreach (Entry e in all)
            {
                Put(e);
            }
        }

        private static bool Equal(byte[] bytes, byte[] data, Slice name)
        {
            return bytes.Length == name.Length
                && new ReadOnlySpan<byte>(bytes).SequenceEqual(new ReadOnlySpan<byte>(data, name.Start, name.Length));
        }

        private static uint HashOf(byte[] data, Slice name)
        {
            return Hash(data, name, Factor);
        }

        /// <summary>FNV-1a of 64 bits with a factor of one's own. The upper half depends on all of the lower one.</summary>
        internal static uint Hash(byte[] data, Slice name, ulong factor)
        {
            ulong hash = factor;
            int end = name.Start + name.Length;
            for (int i = name.Start; i < end; i++)
            {
                hash = (hash ^ data[i]) * factor;
            }
            return (uint)(hash >> 32);
        }
    }
}
