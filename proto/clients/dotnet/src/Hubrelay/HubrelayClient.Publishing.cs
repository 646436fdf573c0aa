using System;
using System.Threading;
using System.Threading.Tasks;
using Hubrelay.Wire;

namespace Hubrelay
{
    /// <summary>Publishing.</summary>
    public sealed partial class HubrelayClient
    {
        private long holdPublishesUntil = Time.Never; // until then a move holds publishes back; Never if none does

        /// <summary>
        /// Publishes one payload to one channel, and waits for the Reply. While too much is under way it first waits for room.
        /// Before the first attempt to connect has ended it waits for that (<see cref="HubrelayOptions.FirstUse"/>). Publishes of
        /// one caller to one channel reach Redis in their order.
        /// </summary>
        /// <param name="channel">1 to 512 bytes of UTF-8.</param>
        /// <param name="payload">
        /// At most as large as the relay allows, 1 MiB by default. The memory may be used again when the task has ended.
        /// </param>
        /// <param name="cancellationToken">Ends the wait.</param>
        /// <returns>
        /// How many subscriptions at Redis it matched. Each relay counts once for the channel if one of its clients listens to
        /// it, and once for each matching pattern that its clients have. Workers are not counted.
        /// </returns>
        /// <exception cref="NotConnectedException">
        /// It was certainly not delivered: there is no relay, or the relay has no connection to Redis.
        /// </exception>
        /// <exception cref="InterruptedException">Whether it was delivered is unknown.</exception>
        /// <exception cref="RefusedException">Redis refused it.</exception>
        /// <exception cref="InvalidRequestException">The channel is not allowed, or the payload is too large.</exception>
        /// <exception cref="ClosedException">The client is closed.</exception>
        /// <exception cref="UnknownOutcomeException">A newer relay has sent an outcome that is not known here.</exception>
        /// <exception cref="RequestCanceledException">The token was cancelled before the Reply.</exception>
        /// <exception cref="ArgumentNullException">The channel is null. This exception is thrown at once.</exception>
        public Task<long> PublishAsync(string channel, ReadOnlyMemory<byte> payload,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            return HookedPublish(channel, payload, true, cancellationToken);
        }

        /// <summary>Like PublishAsync, but without waiting for room.</summary>
        /// <returns>As <see cref="PublishAsync(string, ReadOnlyMemory{byte}, CancellationToken)"/>.</returns>
        /// <exception cref="CongestedException">Too much is under way. Nothing was sent.</exception>
        public Task<long> PublishNowAsync(string channel, ReadOnlyMemory<byte> payload,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            return HookedPublish(channel, payload, false, cancellationToken);
        }

        /// <summary>
        /// Publishes without asking for a Reply, and never waits. If the message is not delivered, a Loss among
        /// <see cref="Events"/> counts it.
        /// </summary>
        /// <param name="channel">1 to 512 bytes of UTF-8.</param>
        /// <param name="payload">The memory may be used again when the method has returned.</param>
        /// <exception cref="NotConnectedException">There is no connection to a relay.</exception>
        /// <exception cref="InvalidRequestException">The channel is not allowed, or the payload is too large.</exception>
        /// <exception cref="CongestedException">Too much is under way, or a move between relays. Nothing was sent.</exception>
        /// <exception cref="ClosedException">The client is closed.</exception>
        public void Send(string channel, ReadOnlyMemory<byte> payload)
        {
            CheckChannel(channel);
            object state = hooks?.BeforePublish(channel, payload);
            Exception wrong;
            Enter();
            try
            {
                wrong = WhyNotPublish(channel, payload.Length, false);
                if (wrong == null && (waiters.Count > 0 || !HasRoom(channel, payload.Length, options.MaxUnsentBytesOfSend)))
                {
                    wrong = new CongestedException();
                }
                if (wrong == null)
                {
                    conn.AddSend(channel, payload.Span);
                    Counters.Published++;
                }
                else
                {
                    Counters.Count(wrong);
                }
            }
            finally
            {
                Exit();
            }
            hooks?.AfterPublish(state, channel, 0, wrong);
            if (wrong != null)
            {
                throw wrong;
            }
        }

        private static void CheckChannel(string channel)
        {
            if (channel == null)
            {
                throw new ArgumentNullException(nameof(channel));
            }
        }

        private Task<long> HookedPublish(string channel, ReadOnlyMemory<byte> payload, bool waits, CancellationToken token)
        {
            CheckChannel(channel);
            return hooks == null ? Publish(channel, payload, waits, token) : WithHooks(channel, payload, waits, token);
        }

        private async Task<long> WithHooks(string channel, ReadOnlyMemory<byte> payload, bool waits, CancellationToken token)
        {
            object state = hooks.BeforePublish(channel, payload);
            try
            {
                long receivers = await Publish(channel, payload, waits, token).ConfigureAwait(false);
                hooks.AfterPublish(state, channel, receivers, null);
                return receivers;
            }
            catch (Exception e)
            {
                hooks.AfterPublish(state, channel, 0, e);
                throw;
            }
        }

        private Task<long> Publish(string channel, ReadOnlyMemory<byte> payload, bool waits, CancellationToken token)
        {
            var p = new Publication();
            Exception wrong;
            Enter();
            try
            {
                wrong = token.IsCancellationRequested ? new RequestCanceledException(false, token)
                    : WhyNotPublish(channel, payload.Length, waits && isStarting);
                if (wrong == null)
                {
                    if (waiters.Count == 0 && HasRoom(channel, payload.Length, options.MaxUnsentBytes))
                    {
                        conn.AddPublish(p, channel, payload.Span);
                        Counters.Published++;
                    }
                    else if (waits)
                    {
                        p.Channel = channel;
                        p.Payload = payload;
                        p.Waiting = waiters.AddLast(p);
                    }
                    else
                    {
                        wrong = new CongestedException();
                    }
                }
                if (wrong != null)
                {
                    Counters.Count(wrong);
                }
            }
            finally
            {
                Exit();
            }
            if (wrong != null)
            {
                return wrong is RequestCanceledException ? Throw(wrong) : Task.FromException<long>(wrong);
            }
            return token.CanBeCanceled ? WaitFor(p, token) : p.Task;
        }

        /// <summary>An async method, so that the task is canceled and not failed.</summary>
        private static async Task<long> Throw(Exception wrong)
        {
            await Task.CompletedTask.ConfigureAwait(false);
            throw wrong;
        }

        private async Task<long> WaitFor(Publication p, CancellationToken token)
        {
            using (token.Register(() => GiveUp(p, token)))
            {
                return await p.Task.ConfigureAwait(false);
            }
        }

        /// <summary>A token was cancelled. If the publish was written, its slot becomes free when its Reply comes.</summary>
        private void GiveUp(Publication p, CancellationToken token)
        {
            Enter();
            try
            {
                if (!p.IsAnswered)
                {
                    bool wasSent = p.Waiting == null;
                    StopWaiting(p);
                    Fail(p, new RequestCanceledException(wasSent, token));
                }
            }
            finally
            {
                Exit();
            }
        }

        private void StopWaiting(Publication p)
        {
            if (p.Waiting != null)
            {
                waiters.Remove(p.Waiting);
                p.Waiting = null;
            }
        }

        /// <summary>The error, other than congestion, or null.</summary>
        private Exception WhyNotPublish(string channel, int payloadBytes, bool mayWaitForRelay)
        {
            int size = Utf8.Size(channel);
            if (size < 1 || size > Limits.MaxNameBytes)
            {
                return Names.Wrong(channel);
            }
            if (isClosing)
            {
                return IsClosed();
            }
            if (Serving == null)
            {
                return mayWaitForRelay ? null : NotConnected();
            }
            if ((uint)payloadBytes > conn.Welcome.MaxPayloadBytes)
            {
                return new InvalidRequestException(
                    $"the payload has {payloadBytes} bytes, and the relay takes {conn.Welcome.MaxPayloadBytes}");
            }
            if ((long)size + payloadBytes + Limits.PublishOverhead > conn.MaxFrame)
            {
                return new InvalidRequestException($"the frame would be larger than {conn.MaxFrame} bytes");
            }
            return null;
        }

        private NotConnectedException NotConnected()
        {
            string why = conn != null && conn.HasEnded ? conn.Ended : problem;
            return new NotConnectedException(why == null ? $"no attempt to connect to {path} has ended yet"
                : why.Contains(path) ? why : $"{path}: {why}");
        }

        /// <summary>Whether a publish may be sent now. If nothing waits to be written, a publish of any size may.</summary>
        private bool HasRoom(string channel, int payloadBytes, int unsent)
        {
            if (isStarting || holdPublishesUntil != Time.Never || conn.Publishes.Count >= options.MaxInFlight)
            {
                return false;
            }
            long waiting = conn.Unwritten;
            return waiting == 0 || waiting + channel.Length + payloadBytes + Limits.PublishOverhead <= unsent;
        }

        /// <summary>Sets the result of a publish. Its caller gets it without the lock.</summary>
        internal void Answer(Publication p, long receivers)
        {
            if (!p.IsAnswered)
            {
                p.Answer(receivers, null);
                completions.Add(p);
            }
        }

        internal void Fail(Publication p, Exception error)
        {
            if (!p.IsAnswered)
            {
                p.Answer(0, error);
                Counters.Count(error);
                completions.Add(p);
            }
        }

        /// <summary>Sends the publishes that wait for room, as far as there is room.</summary>
        internal void AdmitWaiters()
        {
            while (waiters.Count > 0 && Serving != null)
            {
                Publication p = waiters.First.Value;
                Exception wrong = WhyNotPublish(p.Channel, p.Payload.Length, false); // the relay that it goes to now may have lower limits
                if (wrong == null && !HasRoom(p.Channel, p.Payload.Length, options.MaxUnsentBytes))
                {
                    return;
                }
                StopWaiting(p);
                if (wrong != null)
                {
                    Fail(p, wrong);
                    continue;
                }
                conn.AddPublish(p, p.Channel, p.Payload.Span);
                Counters.Published++;
                p.Payload = default(ReadOnlyMemory<byte>);
            }
        }

        /// <summary>Fails all publishes that wait for room, each with its own exception: none of them was sent.</summary>
        private void FailWaiters(Func<Exception> why)
        {
            while (waiters.Count > 0)
            {
                Publication p = waiters.First.Value;
                StopWaiting(p);
                Fail(p, why());
            }
        }
    }
}
