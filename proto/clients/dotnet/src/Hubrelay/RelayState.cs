namespace Hubrelay
{
    /// <summary>The state of the path to Redis. Treat a value that has no name here as not up.</summary>
    public enum RelayState
    {
        /// <summary>The relay gave no value.</summary>
        Unspecified = 0,

        /// <summary>Both publishing and receiving work.</summary>
        Up = 1,

        /// <summary>Only publishing or receiving works, or only a part of the channels of a cluster.</summary>
        Degraded = 2,

        /// <summary>Neither publishing nor receiving works.</summary>
        Down = 3,

        /// <summary>The relay is shutting down. The client moves to the next one by itself.</summary>
        Stopping = 4,
    }

    /// <summary>
    /// Why there was a <see cref="Loss"/>, or why a <see cref="Status"/> is not up. Values without a name here come from
    /// newer relays.
    /// </summary>
    public enum RelayCause
    {
        /// <summary>The relay gave no value.</summary>
        Unspecified = 0,

        /// <summary>The application, or the client, did not read fast enough.</summary>
        SlowReader = 1,

        /// <summary>A message from Redis is too large for a frame.</summary>
        TooLarge = 2,

        /// <summary>A message came on a channel whose name is empty, over 512 bytes or not UTF-8.</summary>
        BadName = 3,

        /// <summary>Publishes were made while the relay was not publishing.</summary>
        NotConnected = 4,

        /// <summary>Redis answered the publishes with an error.</summary>
        Refused = 5,

        /// <summary>The publishes themselves were wrong.</summary>
        Invalid = 6,

        /// <summary>The relay has not been up yet.</summary>
        Starting = 16,

        /// <summary>The relay is shutting down.</summary>
        Stopping = 17,

        /// <summary>Redis cannot be reached.</summary>
        Unreachable = 18,

        /// <summary>Redis closed the connection.</summary>
        Closed = 19,

        /// <summary>Redis did not answer in time.</summary>
        Timeout = 20,

        /// <summary>Redis does not accept the credentials.</summary>
        Auth = 21,

        /// <summary>The TLS handshake with Redis failed.</summary>
        Tls = 22,

        /// <summary>Redis is loading its data, or has no client slot left.</summary>
        Busy = 23,

        /// <summary>The server is no longer a master.</summary>
        Demoted = 24,

        /// <summary>The relay's own message to itself did not come back.</summary>
        Probe = 25,

        /// <summary>The server that answers does not speak Redis's protocol.</summary>
        Protocol = 26,

        /// <summary>No master is known, or some slots of a cluster have no server.</summary>
        Topology = 27,

        /// <summary>The client has no connection to a relay.</summary>
        NoRelay = 28,
    }
}
