using System;
using System.Collections.Generic;
using System.Text;
using Hubrelay.Wire;

namespace Hubrelay
{
    /// <summary>
    /// One channel or pattern that the application wants, or that a relay still holds. Guarded by the client's lock.
    /// </summary>
    internal sealed class Entry
    {
        public readonly string Text;
        public readonly byte[] Bytes;
        public readonly bool IsPattern;

        /// <summary>The listeners, in no order.</summary>
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

        /// <summary>True if SubscribeAsync has subscribed to it.</summary>
        public bool IsPlain { get; set; }

        /// <summary>The last plain request for it, while it has no Reply.</summary>
        public Request Asked { get; set; }

        /// <summary>How many connections have a Hold for it.</summary>
        public int Holds { get; set; }

        /// <summary>
        /// True if the application wants it, so that the next connection is asked for it. While plain requests for it have no
        /// Reply, the last of them counts: Replies come in the order of the requests, so the last Reply will decide.
        /// </summary>
        public bool IsWanted => Listeners.Count > 0 || (Asked != null ? Asked.Kind == RequestKind.Subscribe : IsPlain);

        /// <summary>
        /// Decides a plain request here, since no relay has to be asked. Later Replies to earlier requests change nothing.
        /// </summary>
        public void Decide(bool isPlain)
        {
            IsPlain = isPlain;
            Asked = null;
        }
    }

    /// <summary>A subscription that listens to an entry.</summary>
    internal readonly struct Listener
    {
        public readonly Subscription Subscription;

        /// <summary>The index of the entry among the subscription's entries.</summary>
        public readonly int Index;

        public Listener(Subscription subscription, int index)
        {
            Subscription = subscription;
            Index = index;
        }
    }

    /// <summary>What one connection knows about one entry.</summary>
    internal sealed class Hold
    {
        /// <summary>Whether the relay holds it, by the Replies that have come.</summary>
        public bool IsHeld;

        /// <summary>True if it is held, but not in force yet.</summary>
        public bool IsPending;

        /// <summary>The last request for it, while it has no Reply.</summary>
        public Request Last;

        /// <summary>Whether the relay will hold it once the last request has its Reply, if that is granted.</summary>
        public bool WillHold => Last != null ? Last.Kind == RequestKind.Subscribe : IsHeld;
    }

    /// <summary>Entries by their bytes, so that the entry of a message is found without making a string.</summary>
    internal sealed class NameTable
    {
        // Odd, and different in each process: users choose names, and must not be able to choose names that collide.
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

        /// <summary>The entry of a name; makes one if there is none.</summary>
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

        /// <summary>FNV-1a of 64 bits with a factor of our own. The upper half depends on the whole lower half.</summary>
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
