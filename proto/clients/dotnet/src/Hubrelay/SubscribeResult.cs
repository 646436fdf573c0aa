namespace Hubrelay
{
    /// <summary>What <see cref="HubrelayClient.SubscribeAsync"/> gives.</summary>
    public readonly struct SubscribeResult
    {
        /// <summary>Makes one, for tests.</summary>
        public SubscribeResult(bool isPending)
        {
            IsPending = isPending;
        }

        /// <summary>
        /// True: the names are held, but not in force yet, and a Gap tells when they are. False: they are in force.
        /// </summary>
        public bool IsPending { get; }
    }
}
