using System;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

/// <summary>What the programs share: arguments, the callers that publish, the books of a delivery, and the line printed.</summary>
internal static class Measure
{
    public const string Channel = "bench";
    private const int Burst = 64;
    private const int Window = 4;

    private static Usage begin;
    private static int left;

    public static string Address { get; private set; }

    public static string Workload { get; private set; }

    public static int WarmUp { get; private set; }

    public static int Count { get; private set; }

    /// <summary>How many publishes are under way at a time.</summary>
    public static int UnderWay => Workload == "publish-64" ? 64 : 1;

    public static byte[] Payload { get; } = Encoding.ASCII.GetBytes("00000000" + new string('x', 192));

    public static int Run(string[] arguments, Func<Task> program)
    {
        Address = arguments[0];
        Workload = arguments[1];
        WarmUp = int.Parse(arguments[2], CultureInfo.InvariantCulture);
        Count = int.Parse(arguments[3], CultureInfo.InvariantCulture);
        try
        {
            program().GetAwaiter().GetResult();
            return 0;
        }
        catch (Exception e)
        {
            Console.Error.WriteLine(e);
            Console.Error.WriteLine(e.Message);
            return 1;
        }
    }

    /// <summary>Publishes by UnderWay callers. The runner alone listens: each publish has to give one receiver.</summary>
    public static async Task Publish(string library, Func<int, Func<Task<long>>> caller, bool onThreads = false)
    {
        var callers = new Func<Task<long>>[UnderWay];
        for (int i = 0; i < callers.Length; i++)
        {
            callers[i] = caller(i);
        }
        await CallAll(callers, WarmUp, onThreads).ConfigureAwait(false);
        begin = Usage.Now();
        await CallAll(callers, Count, onThreads).ConfigureAwait(false);
        Report(library);
    }

    private static Task CallAll(Func<Task<long>>[] callers, int count, bool onThreads)
    {
        left = count;
        var tasks = new Task[callers.Length];
        for (int i = 0; i < tasks.Length; i++)
        {
            Func<Task<long>> caller = callers[i];
            tasks[i] = onThreads
                ? Task.Factory.StartNew(() => Call(caller).GetAwaiter().GetResult(), TaskCreationOptions.LongRunning)
                : Call(caller);
        }
        return Task.WhenAll(tasks);
    }

    private static async Task Call(Func<Task<long>> publish)
    {
        while (Interlocked.Decrement(ref left) >= 0)
        {
            long receivers = await publish().ConfigureAwait(false);
            if (receivers != 1)
            {
                throw new InvalidOperationException($"a message has reached {receivers} receivers instead of 1");
            }
        }
    }

    /// <summary>The messages that have come, and what is asked for. Made once the subscription is in force.</summary>
    public sealed class Delivery
    {
        private readonly string library;
        private readonly System.IO.Stream output = Console.OpenStandardOutput();
        private int taken;

        public Delivery(string library)
        {
            this.library = library;
            Ask(Window);
        }

        /// <summary>Takes the next payload. True: it was the last one.</summary>
        public bool Take(ReadOnlyMemory<byte> message)
        {
            ReadOnlySpan<byte> payload = message.Span;
            int number = 0;
            for (int i = 0; i < 8; i++)
            {
                number = number * 10 + payload[i] - '0';
            }
            if (number != taken)
            {
                throw new InvalidOperationException($"message {taken} is {number}");
            }
            taken++;
            if (taken % Burst != 0)
            {
                return false;
            }
            if (taken == WarmUp)
            {
                begin = Usage.Now();
            }
            else if (taken == WarmUp + Count)
            {
                Report(library);
                return true;
            }
            Ask(1);
            return false;
        }

        private void Ask(int bursts)
        {
            output.Write(Encoding.ASCII.GetBytes(new string('+', bursts)), 0, bursts);
            output.Flush();
        }
    }

    private static void Report(string library)
    {
        Usage end = Usage.Now();
        Console.WriteLine();
        Console.WriteLine(string.Format(CultureInfo.InvariantCulture,
            "{{ \"library\": \"{0}\", \"messages\": {1}, \"user_s\": {2:F6}, \"system_s\": {3:F6}, \"wall_s\": {4:F6} }}",
            library, Count, end.User - begin.User, end.System - begin.System, end.Wall - begin.Wall));
    }

    private struct Usage
    {
        public double User;
        public double System;
        public double Wall;

        public static Usage Now()
        {
            getrusage(0, out Rusage usage);
            return new Usage
            {
                User = usage.UserSeconds + usage.UserMicroseconds / 1e6,
                System = usage.SystemSeconds + usage.SystemMicroseconds / 1e6,
                Wall = Stopwatch.GetTimestamp() / (double)Stopwatch.Frequency,
            };
        }

        [DllImport("libc")]
        private static extern int getrusage(int who, out Rusage usage);

        [StructLayout(LayoutKind.Sequential, Size = 256)]
        private struct Rusage
        {
            public long UserSeconds;
            public long UserMicroseconds;
            public long SystemSeconds;
            public long SystemMicroseconds;
        }
    }
}
