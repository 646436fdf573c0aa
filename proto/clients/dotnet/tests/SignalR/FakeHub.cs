using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Hubrelay.SignalR;

namespace Hubrelay.Tests
{
    /// <summary>What the fake writes to connections: a message in each hub protocol.</summary>
    internal sealed class FakeMessage
    {
        public FakeMessage(IReadOnlyList<SerializedMessage> messages)
        {
            Messages = messages;
        }

        public IReadOnlyList<SerializedMessage> Messages { get; }
    }

    /// <summary>A client's error: what ASP.NET Core's HubException is.</summary>
    internal sealed class FakeHubException : Exception
    {
        public FakeHubException(string message) : base(message)
        {
        }
    }

    /// <summary>A result that is passed on as it is: a piece of JSON.</summary>
    internal sealed class FakeRawResult
    {
        public FakeRawResult(string json)
        {
            Json = json;
        }

        public string Json { get; }
    }

    /// <summary>
    /// The framework's part, without ASP.NET Core: SignalR's hub protocols "json" and, for invocations with up to 15 texts as
    /// arguments, "messagepack". The formats:
    /// https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/HubProtocol.md
    /// </summary>
    internal sealed class FakeFramework : IHubFramework<FakeMessage>
    {
        private const char RecordSeparator = '\u001e';

        private readonly string[] protocols;

        public FakeFramework(params string[] protocols)
        {
            this.protocols = protocols.Length == 0 ? new[] { "json", "messagepack" } : protocols;
        }

        public Type RawResult => typeof(FakeRawResult);

        public IReadOnlyList<SerializedMessage> Serialize(string invocationId, string methodName, object[] args)
        {
            return protocols.Select(name => new SerializedMessage(name, name == "json" ? InJson(invocationId, methodName, args)
                : InMessagePack(invocationId, methodName, args))).ToArray();
        }

        public FakeMessage CreateMessage(string invocationId, string methodName, object[] args)
        {
            return new FakeMessage(Serialize(invocationId, methodName, args));
        }

        public FakeMessage CreateMessage(IReadOnlyList<SerializedMessage> messages)
        {
            return new FakeMessage(messages);
        }

        public bool HasProtocol(string protocolName)
        {
            return protocols.Contains(protocolName);
        }

        public bool TryParse(SerializedMessage message, Func<string, Type> returnTypeOf, out Completion completion)
        {
            completion = null;
            string text = Encoding.UTF8.GetString(message.Serialized.ToArray()).TrimEnd(RecordSeparator);
            if (!text.StartsWith("{"))
            {
                return false;
            }
            Dictionary<string, object> fields = Json.Parse(text);
            var id = (string)fields["invocationId"];
            Type type = returnTypeOf(id);
            fields.TryGetValue("error", out object error);
            bool hasResult = fields.TryGetValue("result", out object result);
            completion = new Completion(id, (string)error, hasResult ? Convert(result, type) : null, hasResult);
            return true;
        }

        public Exception CreateException(string error)
        {
            return new FakeHubException(error);
        }

        public static byte[] InJson(Completion completion)
        {
            string what = !completion.HasResult ? completion.Error == null ? "" : ",\"error\":" + Write(completion.Error)
                : ",\"result\":" + (completion.Result is FakeRawResult raw ? raw.Json : Write(completion.Result));
            return Encoding.UTF8.GetBytes($"{{\"type\":3,\"invocationId\":{Write(completion.InvocationId)}{what}}}{RecordSeparator}");
        }

        private static object Convert(object result, Type type)
        {
            return type == typeof(FakeRawResult) || type == typeof(object) ? result
                : result == null ? null : System.Convert.ChangeType(result, type, CultureInfo.InvariantCulture);
        }

        private static byte[] InJson(string invocationId, string methodName, object[] args)
        {
            string id = invocationId == null ? "" : $"\"invocationId\":{Write(invocationId)},";
            string list = string.Join(",", args.Select(Write));
            return Encoding.UTF8.GetBytes($"{{\"type\":1,{id}\"target\":{Write(methodName)},\"arguments\":[{list}]}}{RecordSeparator}");
        }

        /// <summary>An array of 1, no headers, the id, the target, the arguments, and no streams; before it its length.</summary>
        private static byte[] InMessagePack(string invocationId, string methodName, object[] args)
        {
            var body = new List<byte> { 0x96, 0x01, 0x80 };
            AddText(body, invocationId);
            AddText(body, methodName);
            body.Add((byte)(0x90 | args.Length));
            foreach (object one in args)
            {
                AddText(body, one.ToString());
            }
            body.Add(0x90);
            var framed = new List<byte>();
            for (int left = body.Count; ; left >>= 7)
            {
                framed.Add((byte)(left < 128 ? left : (left & 0x7f) | 0x80));
                if (left < 128)
                {
                    return framed.Concat(body).ToArray();
                }
            }
        }

        private static void AddText(List<byte> body, string text)
        {
            if (text == null)
            {
                body.Add(0xc0);
                return;
            }
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            int width = bytes.Length < 32 ? 0 : bytes.Length < 1 << 8 ? 1 : bytes.Length < 1 << 16 ? 2 : 4;
            body.Add((byte)(width == 0 ? 0xa0 | bytes.Length : width == 1 ? 0xd9 : width == 2 ? 0xda : 0xdb));
            for (int i = width - 1; i >= 0; i--)
            {
                body.Add((byte)(bytes.Length >> (8 * i)));
            }
            body.AddRange(bytes);
        }

        private static string Write(object value)
        {
            if (!(value is string text))
            {
                return value == null ? "null" : string.Format(CultureInfo.InvariantCulture, "{0}", value).ToLowerInvariant();
            }
            var json = new StringBuilder("\"");
            foreach (char c in text)
            {
                json.Append(c == '"' || c == '\\' ? "\\" + c : c < ' ' ? $"\\u{(int)c:x4}" : c.ToString());
            }
            return json.Append('"').ToString();
        }
    }

    /// <summary>A client's connection, of which the test is the client.</summary>
    internal sealed class FakeConnection : IHubConnection<FakeMessage>
    {
        private readonly CancellationTokenSource aborted = new CancellationTokenSource();
        private readonly Queue<string> received = new Queue<string>();
        private readonly SemaphoreSlim count = new SemaphoreSlim(0);
        private readonly string protocol;

        public FakeConnection(string connectionId, string userIdentifier = null, string protocol = "json")
        {
            ConnectionId = connectionId;
            UserIdentifier = userIdentifier;
            this.protocol = protocol;
        }

        public string ConnectionId { get; }

        public string UserIdentifier { get; }

        public CancellationToken ConnectionAborted => aborted.Token;

        /// <summary>Is called with each message instead of what a connection does.</summary>
        public Func<Task> OnWrite { get; set; }

        /// <summary>Is told each message as it comes.</summary>
        public Action<string> OnReceived { get; set; }

        /// <summary>How many have come and were not taken.</summary>
        public int Waiting => count.CurrentCount;

        public async Task WriteAsync(FakeMessage message, CancellationToken cancellationToken)
        {
            if (OnWrite != null)
            {
                await OnWrite().ConfigureAwait(false);
            }
            byte[] bytes = message.Messages.Single(one => one.ProtocolName == protocol).Serialized.ToArray();
            string text = protocol == "json" ? Encoding.UTF8.GetString(bytes).TrimEnd('\u001e')
                : BitConverter.ToString(bytes).Replace("-", "").ToLowerInvariant();
            lock (received)
            {
                received.Enqueue(text);
            }
            count.Release();
            OnReceived?.Invoke(text);
        }

        public SerializedMessage Serialize(Completion completion)
        {
            return new SerializedMessage("json", FakeFramework.InJson(completion));
        }

        public void Abort()
        {
            aborted.Cancel();
        }

        /// <summary>The next message: in JSON, or the digits of other protocols.</summary>
        public async Task<string> NextAsync()
        {
            await Check.Soon(count.WaitAsync());
            lock (received)
            {
                return received.Dequeue();
            }
        }

        /// <summary>The next message's method and arguments, such as "Send hi".</summary>
        public async Task<string> NextCallAsync()
        {
            Dictionary<string, object> fields = Json.Parse(await NextAsync());
            return string.Join(" ", new[] { fields["target"] }.Concat((List<object>)fields["arguments"]));
        }

        /// <summary>The invocation id of the next message.</summary>
        public async Task<string> NextInvocationAsync()
        {
            return (string)Json.Parse(await NextAsync())["invocationId"];
        }
    }
}
