using System;
using System.Collections.Generic;

namespace Hubrelay
{
    /// <summary>
    /// A bounded queue of the messages of some channels and patterns. Typically one socket of a hub server reads from it. Several
    /// subscriptions may listen to the same channel; the relay sees one. It yields <see cref="Message"/>, <see cref="Loss"/>,
    /// <see cref="Gap"/> and <see cref="Revoked"/>, which is the last one. It is safe for use by many threads; each event goes to
    /// one of them.
    /// </summary>
    public sealed class Subscription : EventReader, IDisposable
    {
        private readonly HubrelayClient client;

        internal Subscription(HubrelayClient client, Names names, EventQueue queue, Hooked hooks) : base(queue, hooks)
        {
            this.client = client;
            Names = names;
        }

        /// <summary>The channels and patterns that were asked for.</summary>
        public Names Names { get; }

        /// <summary>
        /// True if the relay could not confirm the names before ListenAsync returned. They are in force from the next Gap on.
        /// </summary>
        public bool IsPending { get; internal set; }

        /// <summary>Guarded by the client's lock; null when it is closed.</summary>
        internal List<Entry> Entries { get; set; }

        /// <summary>Its index among the listeners of each entry. Guarded in the same way.</summary>
        internal int[] Places { get; set; }

        /// <summary>
        /// Ends the subscription. Other subscriptions to the same channels go on. Unread events are discarded. Ending it twice
        /// does nothing.
        /// </summary>
        public void Dispose()
        {
            client.CloseSubscription(this);
            FinishDelivery();
        }
    }
}
