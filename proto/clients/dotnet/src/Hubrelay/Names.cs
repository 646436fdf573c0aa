using System;
using System.Collections.Generic;
using System.Linq;
using Hubrelay.Wire;

namespace Hubrelay
{
    /// <summary>
    /// Channels and patterns. Each is 1 to 512 bytes of UTF-8. Patterns are in Redis's glob syntax, and need a relay that
    /// supports them; with sharded pub/sub of a cluster it does not. Instances cannot be changed, and any number of threads may
    /// use them.
    /// </summary>
    public sealed class Names
    {
        /// <summary>Makes an instance with channels, patterns, or both.</summary>
        /// <param name="channels">The channels; null: none.</param>
        /// <param name="patterns">The patterns; null: none.</param>
        /// <exception cref="ArgumentNullException">One of the names is null.</exception>
        public Names(IEnumerable<string> channels, IEnumerable<string> patterns = null)
        {
            Channels = (channels ?? Enumerable.Empty<string>()).ToArray();
            Patterns = (patterns ?? Enumerable.Empty<string>()).ToArray();
            if (Channels.Contains(null) || Patterns.Contains(null))
            {
                throw new ArgumentNullException(Channels.Contains(null) ? nameof(channels) : nameof(patterns), "a name is null");
            }
        }

        /// <summary>The channels.</summary>
        public IReadOnlyList<string> Channels { get; }

        /// <summary>The patterns.</summary>
        public IReadOnlyList<string> Patterns { get; }

        /// <summary>Makes an instance with these channels.</summary>
        public static Names OfChannels(params string[] channels)
        {
            return new Names(channels);
        }

        /// <summary>Makes an instance with these patterns.</summary>
        public static Names OfPatterns(params string[] patterns)
        {
            return new Names(null, patterns);
        }

        /// <exception cref="InvalidRequestException">A name is not allowed, or there are no names.</exception>
        internal void Check()
        {
            if (Channels.Count + Patterns.Count == 0)
            {
                throw new InvalidRequestException("no names");
            }
            foreach (string name in Channels.Concat(Patterns))
            {
                Check(name);
            }
        }

        /// <summary>Checks a channel or pattern. The relay itself refuses the names that it reserves.</summary>
        private static void Check(string name)
        {
            int size = Utf8.Size(name);
            if (size < 1 || size > Limits.MaxNameBytes)
            {
                throw Wrong(name);
            }
        }

        internal static InvalidRequestException Wrong(string name)
        {
            return new InvalidRequestException($"a name has to be 1 to {Limits.MaxNameBytes} bytes of UTF-8: {Shortened(name)}");
        }

        private static string Shortened(string name)
        {
            return name.Length <= 100 ? $"\"{name}\"" : $"\"{name.Substring(0, 100)}\"...";
        }
    }
}
