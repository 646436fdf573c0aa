using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Hubrelay.Wire;

namespace Hubrelay
{
    /// <summary>Subscriptions, and plain requests: those of SubscribeAsync and UnsubscribeAsync.</summary>
    public sealed partial class HubrelayClient
    {
        /// <summary>
        /// Begins a subscription to a channel, and waits until the relay has confirmed it. Every message published after that
        /// arrives, or is reported as missed. While there is no relay, or it is not receiving, the call does not wait: then
        /// <see cref="Subscription.IsPending"/> is true, and a Gap reports when the subscription is in force. The call only waits
        /// for the end of the first attempt to connect (<see cref="HubrelayOptions.FirstUse"/>).
        /// </summary>
        /// <exception cref="RefusedException">Redis refused a name.</exception>
        /// <exception cref="InvalidRequestException">
        /// A name is not allowed, or it is a pattern and the relay has no patterns.
        /// </exception>
        /// <exception cref="LimitException">The relay grants no more subscriptions.</exception>
        /// <exception cref="ClosedException">The client is closed.</exception>
        /// <exception cref="UnknownOutcomeException">A newer relay has sent an outcome that is not known here.</exception>
        /// <exception cref="RequestCanceledException">The token was cancelled first. Then there is no subscription.</exception>
        public Task<Subscription> ListenAsync(string channel, CancellationToken cancellationToken = default(CancellationToken))
        {
            return ListenAsync(Names.OfChannels(channel), cancellationToken);
        }

        /// <summary>Like ListenAsync, for a pattern.</summary>
        /// <returns>As <see cref="ListenAsync(string, CancellationToken)"/>.</returns>
        public Task<Subscription> ListenPatternAsync(string pattern, CancellationToken cancellationToken = default(CancellationToken))
        {
            return ListenAsync(Names.OfPatterns(pattern), cancellationToken);
        }

        /// <summary>Like ListenAsync for one channel, for any number of channels and patterns.</summary>
        /// <returns>As <see cref="ListenAsync(string, CancellationToken)"/>.</returns>
        public async Task<Subscription> ListenAsync(Names names, CancellationToken cancellationToken = default(CancellationToken))
        {
            CheckCall(names, cancellationToken);
            var s = new Subscription(this, names, new EventQueue(options.MaxQueueBytes, total, false), hooks);
            try
            {
                s.IsPending = await RunAsync(new Operation(RequestKind.Subscribe, names, s), cancellationToken).ConfigureAwait(false);
                return s;
            }
            catch (Exception)
            {
                s.Dispose();
                throw;
            }
        }

        /// <summary>
        /// Asks for names whose messages come in <see cref="Events"/>. It is for applications that keep track of their
        /// subscriptions themselves; most applications want ListenAsync. After an exception none of the names is held because of
        /// this call. But if the token was cancelled, the relay may still grant them.
        /// </summary>
        /// <returns>Whether the names are in force.</returns>
        /// <exception cref="HubrelayException">As for ListenAsync.</exception>
        /// <exception cref="RequestCanceledException">The token was cancelled first.</exception>
        public async Task<SubscribeResult> SubscribeAsync(Names names, CancellationToken cancellationToken = default(CancellationToken))
        {
            return new SubscribeResult(await PlainAsync(RequestKind.Subscribe, names, cancellationToken).ConfigureAwait(false));
        }

        /// <summary>Ends what SubscribeAsync began. It works in every state, and for names that are not held.</summary>
        /// <exception cref="HubrelayException">As for ListenAsync.</exception>
        /// <exception cref="RequestCanceledException">The token was cancelled first.</exception>
        public Task UnsubscribeAsync(Names names, CancellationToken cancellationToken = default(CancellationToken))
        {
            return PlainAsync(RequestKind.Unsubscribe, names, cancellationToken);
        }

        private async Task<bool> PlainAsync(RequestKind kind, Names names, CancellationToken cancellationToken)
        {
            CheckCall(names, cancellationToken);
            return await RunAsync(new Operation(kind, names, null), cancellationToken).ConfigureAwait(false);
        }

        private static void CheckCall(Names names, CancellationToken cancellationToken)
        {
            if (names == null)
            {
                throw new ArgumentNullException(nameof(names));
            }
            if (cancellationToken.IsCancellationRequested)
            {
                throw new RequestCanceledException(false, cancellationToken);
            }
            names.Check();
        }

        /// <summary>Begins a call, once the first attempt to connect has ended, and waits for its end.</summary>
        private async Task<bool> RunAsync(Operation op, CancellationToken cancellationToken)
        {
            Enter();
            try
            {
                if (isStarting)
                {
                    early.Add(op);
                }
                else
                {
                    Begin(op);
                }
            }
            finally
            {
                Exit();
            }
            using (cancellationToken.Register(() => GiveUp(op, cancellationToken)))
            {
                return await op.Task.ConfigureAwait(false);
            }
        }

        private void Begin(Operation op)
        {
            op.HasBegun = true;
            op.Error = WhyNotSubscribe(op.Names);
            if (op.Error == null)
            {
                op.Entries = EntriesOf(op.Names);
                if (op.Subscription == null)
                {
                    AskPlain(op, op.Kind);
                }
                else
                {
                    Attach(op.Subscription, op.Entries);
                    AskFor(op, op.Entries);
                }
            }
            FinishIfDone(op);
        }

        /// <summary>
        /// A token was cancelled. The thread pool ends the call, since the present thread is the application's.
        /// </summary>
        private void GiveUp(Operation op, CancellationToken token)
        {
            Enter();
            try
            {
                if (op.IsDone)
                {
                    return;
                }
                bool mayBeDone = op.HasBegun;
                if (!mayBeDone)
                {
                    early.Remove(op);
                    op.IsDone = true;
                }
                Pool.Run(() => op.TrySetException(new RequestCanceledException(mayBeDone, token)));
            }
            finally
            {
                Exit();
            }
        }

        private HubrelayException WhyNotSubscribe(Names names)
        {
            if (isClosing)
            {
                return IsClosed();
            }
            return names.Patterns.Count > 0 && Serving != null && !conn.Welcome.Has(Limits.FeaturePatterns)
                ? new InvalidRequestException($"the relay at {path} has no patterns") : null;
        }

        /// <summary>
        /// Sends a plain request, during a move to both relays: the old one's Reply counts. An Unsubscribe for a name that has
        /// listeners is not sent.
        /// </summary>
        private void AskPlain(Operation op, RequestKind kind)
        {
            Connection k = Serving;
            bool subscribes = kind == RequestKind.Subscribe;
            var forRelay = new List<Entry>();
            var forNext = new List<Entry>();
            foreach (Entry e in op.Entries)
            {
                if (!subscribes && e.Listeners.Count > 0)
                {
                    e.Decide(false);
                    continue;
                }
                if (k == null)
                {
                    e.Decide(subscribes);
                    op.IsPending = subscribes;
                }
                else
                {
                    forRelay.Add(e);
                }
                forNext.Add(e);
            }
            k?.Ask(new Request { Kind = kind, Operation = op, IsPlain = true }, forRelay);
            AskNext(kind, forNext);
            if (k == null && !subscribes)
            {
                foreach (Entry e in op.Entries)
                {
                    Prune(e);
                }
            }
        }

        /// <summary>
        /// During a move, asks the next relay for the same as the one that serves. If the serving one has ended, the Gap at the
        /// end of the move waits for the Reply.
        /// </summary>
        private void AskNext(RequestKind kind, List<Entry> entries)
        {
            if (next != null)
            {
                bool subscribes = kind == RequestKind.Subscribe;
                next.AskCounted(new Request { Kind = kind, IsBarrier = subscribes && Serving == null },
                    entries.FindAll(e => next.WillHold(e) != subscribes));
            }
        }

        /// <summary>
        /// Sends the request of a ListenAsync for the names that the relay does not hold yet, and waits for names that other
        /// calls have just asked for. Without a relay the names are pending.
        /// </summary>
        private void AskFor(Operation op, List<Entry> entries)
        {
            Connection k = Serving;
            if (k == null)
            {
                op.IsPending = true;
                AskNext(RequestKind.Subscribe, entries);
                return;
            }
            var missing = new List<Entry>();
            foreach (Entry e in entries)
            {
                k.Holds.TryGetValue(e, out Hold h);
                if (h == null || !h.WillHold)
                {
                    missing.Add(e);
                }
                else if (h.Last != null)
                {
                    Follow(op, h.Last);
                }
                else if (h.IsPending || !k.IsReceiving)
                {
                    op.IsPending = true; // the relay would answer the same
                }
            }
            k.Ask(new Request { Kind = RequestKind.Subscribe, Operation = op }, missing);
            k.Resume();
            AskNext(RequestKind.Subscribe, entries);
        }

        private static void Follow(Operation op, Request r)
        {
            List<Operation> followers = r.Followers ?? (r.Followers = new List<Operation>());
            if (followers.Count == 0 || followers[followers.Count - 1] != op)
            {
                followers.Add(op);
                op.Left++;
            }
        }

        /// <summary>Ends an operation if it waits for nothing more.</summary>
        private void FinishIfDone(Operation op)
        {
            if (op.Left > 0 || op.IsDone)
            {
                return;
            }
            op.IsDone = true;
            if (op.Error != null)
            {
                if (op.Subscription != null)
                {
                    Detach(op.Subscription);
                }
                foreach (Entry e in op.Granted)
                {
                    e.IsPlain = false; // a request of several frames takes effect as a whole, or not at all
                }
                Release(op.Granted);
            }
            completions.Add(op);
        }

        /// <summary>Passes the result of a request to the calls that wait for it.</summary>
        internal void FinishOperations(Request r, ReplyFrame reply, bool granted, bool pending)
        {
            Operation own = r.Operation;
            if (own != null)
            {
                own.Left--;
                own.IsPending |= pending;
                if (!granted && own.Error == null)
                {
                    own.Error = HubrelayException.Of(reply);
                }
                FinishIfDone(own);
            }
            HashSet<Entry> asked = null;
            foreach (Operation op in r.Followers ?? new List<Operation>())
            {
                op.Left--;
                op.IsPending |= pending;
                if (!granted && op.Subscription.Entries != null)
                {
                    // Another call's request failed, perhaps because of another name: this call makes its own request.
                    asked = asked ?? new HashSet<Entry>(r.Entries);
                    AskFor(op, op.Entries.FindAll(asked.Contains));
                }
                FinishIfDone(op);
            }
        }
    }
}
