using System;
using System.Threading;
using System.Threading.Tasks;

namespace Hubrelay
{
    /// <summary>The same calls for arrays. A null array is a mistake, and does not stand for an empty payload.</summary>
    public sealed partial class HubrelayClient
    {
        /// <summary>As <see cref="PublishAsync(string, ReadOnlyMemory{byte}, CancellationToken)"/>.</summary>
        /// <exception cref="ArgumentNullException">
        /// The channel or the payload is null. This exception is thrown at once.
        /// </exception>
        public Task<long> PublishAsync(string channel, byte[] payload,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            return PublishAsync(channel, MemoryOf(payload), cancellationToken);
        }

        /// <summary>As <see cref="PublishNowAsync(string, ReadOnlyMemory{byte}, CancellationToken)"/>.</summary>
        /// <exception cref="ArgumentNullException">
        /// The channel or the payload is null. This exception is thrown at once.
        /// </exception>
        public Task<long> PublishNowAsync(string channel, byte[] payload,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            return PublishNowAsync(channel, MemoryOf(payload), cancellationToken);
        }

        /// <summary>As <see cref="Send(string, ReadOnlyMemory{byte})"/>.</summary>
        /// <exception cref="ArgumentNullException">The channel or the payload is null.</exception>
        public void Send(string channel, byte[] payload)
        {
            Send(channel, MemoryOf(payload));
        }

        /// <summary>
        /// Begins a subscription to some channels. For patterns, or to pass a token, use the overload with <see cref="Names"/>.
        /// </summary>
        /// <returns>As <see cref="ListenAsync(string, CancellationToken)"/>.</returns>
        /// <exception cref="ArgumentNullException">A channel is null. This exception is thrown at once.</exception>
        public Task<Subscription> ListenAsync(params string[] channels)
        {
            return ListenAsync(Names.OfChannels(channels));
        }

        private static ReadOnlyMemory<byte> MemoryOf(byte[] payload)
        {
            return payload ?? throw new ArgumentNullException(nameof(payload));
        }
    }
}
