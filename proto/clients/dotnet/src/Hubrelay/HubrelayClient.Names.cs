using System;
using System.Collections.Generic;

namespace Hubrelay
{
    /// <summary>The names that the application wants to hear.</summary>
    public sealed partial class HubrelayClient
    {
        internal NameTable Channels { get; } = new NameTable(false);

        internal NameTable Patterns { get; } = new NameTable(true);

        private bool IsAnythingWanted => subscriptions.Count > 0 || IsAnyWanted(Channels) || IsAnyWanted(Patterns);

        private static bool IsAnyWanted(NameTable table)
        {
            if (table.Count > 0)
            {
                foreach (Entry e in table.All)
                {
                    if (e.IsWanted)
                    {
                        return true;
                    }
                }
            }
            return false;
        }

        /// <summary>The entries of names, each once.</summary>
        private List<Entry> EntriesOf(Names names)
        {
            var entries = new List<Entry>(names.Channels.Count + names.Patterns.Count);
            var seen = new HashSet<Entry>();
            foreach (string name in names.Channels)
            {
                AddOnce(entries, seen, Channels.Get(name));
            }
            foreach (string name in names.Patterns)
            {
                AddOnce(entries, seen, Patterns.Get(name));
            }
            return entries;
        }

        private static void AddOnce(List<Entry> entries, HashSet<Entry> seen, Entry e)
        {
            if (seen.Add(e))
            {
                entries.Add(e);
            }
        }

        /// <summary>Adds a subscription to the listeners of its names.</summary>
        private void Attach(Subscription s, List<Entry> entries)
        {
            s.Entries = entries;
            s.Places = new int[entries.Count];
            for (int i = 0; i < entries.Count; i++)
            {
                s.Places[i] = entries[i].Listeners.Count;
                entries[i].Listeners.Add(new Listener(s, i));
            }
            subscriptions.Add(s);
        }

        /// <summary>
        /// Removes a subscription from the listeners of its names. The last listener of each name moves to the free place, so
        /// that the time does not depend on the number of listeners.
        /// </summary>
        private void Detach(Subscription s)
        {
            List<Entry> entries = s.Entries;
            if (entries == null)
            {
                return;
            }
            s.Entries = null;
            subscriptions.Remove(s);
            for (int i = 0; i < entries.Count; i++)
            {
                List<Listener> listeners = entries[i].Listeners;
                Listener moved = listeners[listeners.Count - 1];
                listeners[s.Places[i]] = moved;
                moved.Subscription.Places[moved.Index] = s.Places[i];
                listeners.RemoveAt(listeners.Count - 1);
            }
            Release(entries);
        }

        internal void CloseSubscription(Subscription s)
        {
            Enter();
            try
            {
                Detach(s);
                s.Queue.Discard(completions);
            }
            finally
            {
                Exit();
            }
        }

        /// <summary>Unsubscribes from names that nobody wants any more.</summary>
        internal void Release(List<Entry> entries)
        {
            foreach (Connection k in new[] { conn, next })
            {
                k?.Ask(new Request { Kind = RequestKind.Unsubscribe }, entries.FindAll(e => !e.IsWanted && k.WillHold(e)));
            }
            foreach (Entry e in entries)
            {
                Prune(e);
            }
            if (!IsAnythingWanted)
            {
                Gap.Forget();
            }
        }

        /// <summary>Removes an entry that nobody wants and no connection knows.</summary>
        internal void Prune(Entry e)
        {
            if (!e.IsWanted && e.Asked == null && e.Holds == 0)
            {
                (e.IsPattern ? Patterns : Channels).Remove(e);
            }
        }

        /// <summary>Ends subscriptions that no relay grants, and reports that to their readers, and to Events.</summary>
        internal void Revoke(List<Entry> entries, string detail)
        {
            var all = new List<Entry>();
            var bySubscription = new Dictionary<Subscription, List<Entry>>();
            foreach (Entry e in entries)
            {
                if (e.IsPlain || e.Listeners.Count > 0)
                {
                    all.Add(e);
                }
                e.IsPlain = false;
                foreach (Listener l in e.Listeners)
                {
                    if (!bySubscription.TryGetValue(l.Subscription, out List<Entry> its))
                    {
                        bySubscription.Add(l.Subscription, its = new List<Entry>());
                    }
                    its.Add(e);
                }
            }
            if (all.Count > 0)
            {
                Tell(RevokedOf(all, detail));
            }
            foreach (KeyValuePair<Subscription, List<Entry>> one in bySubscription)
            {
                one.Key.Queue.Push(RevokedOf(one.Value, detail), completions);
                one.Key.Queue.Close(completions);
                Detach(one.Key);
            }
            Release(entries);
        }

        private static Revoked RevokedOf(List<Entry> entries, string detail)
        {
            Predicate<Entry> isPattern = e => e.IsPattern;
            return new Revoked(entries.FindAll(e => !e.IsPattern).ConvertAll(e => e.Text),
                entries.FindAll(isPattern).ConvertAll(e => e.Text), detail);
        }
    }
}
