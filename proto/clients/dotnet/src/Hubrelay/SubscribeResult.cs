namespace Hubrelay
{
    /// <summary>The result of <see cref="HubrelayClient.SubscribeAsync"/>.</summary>
    public readonly struct SubscribeResult
    {
        /// <summary>Makes one, for tests.</summary>
        public SubscribeResult(bool isPending)
        {
            IsPending = isPending;
        }

        /// <summary>
        /// True: the names are held, but not in force yet, and a Gap reports when they are. False: they are in force.
        /// </summary>
        public bool IsPending { get; }
    }
}
