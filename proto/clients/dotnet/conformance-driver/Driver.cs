using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace Hubrelay.Conformance
{
    /// <summary>
    /// The driver with which proto/conformance checks this client: lines on the standard input become calls, and results and
    /// events become lines on the standard output.
    /// </summary>
    internal sealed class Driver
    {
        private readonly StreamWriter output = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false), 1 << 16);
        private readonly Dictionary<string, CancellationTokenSource> cancels = new Dictionary<string, CancellationTokenSource>();
        private readonly Dictionary<string, Subscription> subscriptions = new Dictionary<string, Subscription>();
        private readonly object gate = new object();
        private TaskCompletionSource<bool> held; // set when events are taken again; null: they are taken
        private int calls; // whose result is not printed yet
        private TaskCompletionSource<bool> noCalls;
        private HubrelayClient client;

        private static void Main()
        {
            var driver = new Driver();
            driver.Print("driver 1 dotnet hubrelay cancel jitter inflight-bound unsent-bound events-bound no-byte-strings"
                + " subscription-end");
            using (var input = new StreamReader(Console.OpenStandardInput(), new UTF8Encoding(false), false, 1 << 16))
            {
                for (string line = input.ReadLine(); line != null && line != "quit"; line = input.ReadLine())
                {
                    driver.Command(line.Split(' '));
                }
            }
            Environment.Exit(0);
        }

        private void Command(string[] words)
        {
            string command = words[0];
            string tag = words[1];
            string[] rest = words.Skip(2).ToArray();
            switch (command)
            {
                case "open":
                    Open(Words.Unquote(tag), Words.Unquote(rest[0]), rest.Skip(1));
                    break;
                case "publish":
                    Start(tag, async token => "OK receivers="
                        + await client.PublishAsync(Words.Unquote(rest[0]), Words.Payload(rest[1]), token));
                    break;
                case "publish-now":
                    Start(tag, async token => "OK receivers="
                        + await client.PublishNowAsync(Words.Unquote(rest[0]), Words.Payload(rest[1]), token));
                    break;
                case "tell":
                    Tell(tag, rest);
                    break;
                case "subscribe":
                    Start(tag, async token => Words.Confirmed((await client.SubscribeAsync(Words.NamesIn(rest), token)).IsPending));
                    break;
                case "unsubscribe":
                    Start(tag, async token =>
                    {
                        await client.UnsubscribeAsync(Words.NamesIn(rest), token);
                        return "OK";
                    });
                    break;
                case "listen":
                    Start(tag, token => Listen(rest[0], Words.NamesIn(rest.Skip(1)), token));
                    break;
                default:
                    OtherCommand(command, tag, rest);
                    break;
            }
        }

        private void OtherCommand(string command, string tag, string[] rest)
        {
            switch (command)
            {
                case "unlisten":
                    lock (gate)
                    {
                        subscriptions[rest[0]].Dispose();
                    }
                    Done(tag, "OK");
                    break;
                case "cancel":
                    CancellationTokenSource cancel;
                    lock (gate)
                    {
                        cancels.TryGetValue(tag, out cancel);
                    }
                    cancel?.Cancel();
                    break;
                case "hold":
                case "release":
                    Hold(command == "hold");
                    Done(tag, "OK");
                    break;
                case "memory":
                    Done(tag, "OK rss=" + Words.ResidentBytes());
                    break;
                case "close":
                    Start(tag, async token =>
                    {
                        await client.CloseAsync();
                        return "OK";
                    }, false);
                    break;
                default: // ping, which this client does not offer
                    Done(tag, "OK");
                    break;
            }
        }

        /// <summary>Starts a call. Its request is on its way when this returns.</summary>
        private async void Start(string tag, Func<CancellationToken, Task<string>> call, bool isCounted = true)
        {
            var cancel = new CancellationTokenSource();
            lock (gate)
            {
                cancels[tag] = cancel;
                calls += isCounted ? 1 : 0;
            }
            string word;
            try
            {
                word = await call(cancel.Token).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                word = Words.Failure(e);
            }
            Done(tag, word);
            lock (gate)
            {
                cancels.Remove(tag);
                calls -= isCounted ? 1 : 0;
                if (calls == 0)
                {
                    noCalls?.TrySetResult(true);
                }
            }
        }

        private void Tell(string tag, string[] rest)
        {
            try
            {
                client.Send(Words.Unquote(rest[0]), Words.Payload(rest[1]));
                Done(tag, "SENT");
            }
            catch (HubrelayException e)
            {
                Done(tag, Words.Failure(e));
            }
        }

        private void Open(string path, string name, IEnumerable<string> settings)
        {
            var options = new HubrelayOptions { Log = line => Print("log " + Words.Quote(line)) };
            foreach (string setting in settings)
            {
                string[] pair = setting.Split('=');
                if (long.TryParse(pair[1], out long value))
                {
                    Set(options, pair[0], value);
                }
            }
            try
            {
                client = new HubrelayClient(path, name, options);
            }
            catch (ArgumentException e)
            {
                Print("fatal " + Words.Quote(e.Message));
                return;
            }
            Report(client.Events, "");
        }

        private static void Set(HubrelayOptions options, string key, long value)
        {
            TimeSpan time = TimeSpan.FromMilliseconds(value);
            switch (key)
            {
                case "inflight": options.MaxInFlight = (int)value; break;
                case "unsent": options.MaxUnsentBytes = options.MaxUnsentBytesOfSend = (int)value; break;
                case "events": options.MaxQueueBytes = (int)value; break;
                case "jitter_ms": options.GapDelay = time; break;
                case "partial_ms": options.PartialGap = time; break;
                case "backoff_min_ms": options.BackoffMin = time; break;
                case "backoff_max_ms": options.BackoffMax = time; break;
                case "backoff_hopeless_ms": options.BackoffHopeless = time; break;
                case "handshake_ms": options.Handshake = time; break;
                case "drain_ms": options.Drain = time; break;
                case "successor_ms": options.Successor = time; break;
                case "ping_owed_ms": options.PingOwed = time; break;
                case "ping_idle_ms": options.PingIdle = time; break;
                case "ping_timeout_ms": options.PingTimeout = time; break;
            }
        }

        private async Task<string> Listen(string handle, Names names, CancellationToken token)
        {
            Subscription s = await client.ListenAsync(names, token).ConfigureAwait(false);
            lock (gate)
            {
                subscriptions[handle] = s;
            }
            Report(s, " sub=" + handle);
            return Words.Confirmed(s.IsPending);
        }

        /// <summary>Prints the events of the client, or of one subscription, until its end.</summary>
        private async void Report(EventReader source, string suffix)
        {
            for (;;)
            {
                Task resumed;
                lock (gate)
                {
                    resumed = held?.Task;
                }
                if (resumed != null)
                {
                    await resumed.ConfigureAwait(false);
                }
                else if (source.TryRead(out RelayEvent one))
                {
                    Print("event " + Words.Describe(one) + suffix);
                }
                else if (!await source.WaitToReadAsync().ConfigureAwait(false))
                {
                    break;
                }
            }
            if (suffix.Length == 0)
            {
                Task printed;
                lock (gate)
                {
                    noCalls = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
                    printed = calls == 0 ? Task.CompletedTask : noCalls.Task;
                }
                await printed.ConfigureAwait(false); // they have their results, and are about to be printed
            }
            Print("event end" + suffix);
        }

        private void Hold(bool isOn)
        {
            lock (gate)
            {
                if (isOn)
                {
                    held = held ?? new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
                }
                else
                {
                    held?.TrySetResult(true);
                    held = null;
                }
            }
        }

        private void Done(string tag, string word)
        {
            Print($"done {tag} {word}");
        }

        private void Print(string line)
        {
            lock (output)
            {
                output.Write(line);
                output.Write('\n');
                output.Flush();
            }
        }
    }
}
