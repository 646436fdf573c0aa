using System.Diagnostics;

namespace Hubrelay
{
    /// <summary>Times are milliseconds of a clock that never goes back.</summary>
    internal static class Time
    {
        /// <summary>No deadline.</summary>
        public const long Never = long.MaxValue;

        private static readonly Stopwatch Running = Stopwatch.StartNew();

        /// <summary>The time now: above 0.</summary>
        public static long Now => Running.ElapsedMilliseconds + 1;
    }
}
