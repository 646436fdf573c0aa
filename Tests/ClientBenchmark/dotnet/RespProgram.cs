using System;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading.Tasks;

/// <summary>
/// Redis's own protocol on plain sockets, as small as it can be: there is no Redis client for Mono in Debian. With THREADS
/// in the environment calls block, each caller on a thread; else they are asynchronous as hubrelay's client is.
/// </summary>
internal static class RespProgram
{
    private static bool blocks;

    private static string Library => blocks ? "plain sockets, threads" : "plain sockets";

    private static int Main(string[] arguments)
    {
        blocks = Environment.GetEnvironmentVariable("THREADS") != null;
        return Measure.Run(arguments, Program);
    }

    private static Task Program()
    {
        if (Measure.Workload == "delivery")
        {
            return Deliver();
        }
        return Measure.Publish(Library, _ =>
        {
            var connection = new RespConnection();
            if (!blocks)
            {
                return connection.PublishAsync;
            }
            return () => Task.FromResult(connection.Publish());
        }, blocks);
    }

    private static async Task Deliver()
    {
        var connection = new RespConnection();
        connection.Write("*2\r\n$9\r\nSUBSCRIBE\r\n$5\r\nbench\r\n");
        await connection.ReadPush(blocks).ConfigureAwait(false);
        var delivery = new Measure.Delivery(Library);
        while (!delivery.Take(await connection.ReadPush(blocks).ConfigureAwait(false)))
        {
        }
    }
}

/// <summary>One connection to Redis.</summary>
internal sealed class RespConnection
{
    private readonly Socket socket;
    private readonly NetworkStream stream;
    private readonly byte[] request;
    private readonly byte[] buffer = new byte[64 * 1024];
    private int at;
    private int end;

    public RespConnection()
    {
        string address = Measure.Address;
        if (address.StartsWith("unix://", StringComparison.Ordinal))
        {
            socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            socket.Connect(new UnixDomainSocketEndPoint(address.Substring("unix://".Length)));
        }
        else
        {
            var uri = new Uri(address);
            socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            socket.Connect(new IPEndPoint(IPAddress.Parse(uri.Host), uri.Port));
        }
        stream = new NetworkStream(socket);
        byte[] head = Encoding.ASCII.GetBytes($"*3\r\n$7\r\nPUBLISH\r\n${Measure.Channel.Length}\r\n{Measure.Channel}\r\n$200\r\n");
        request = new byte[head.Length + 202];
        head.CopyTo(request, 0);
        Measure.Payload.CopyTo(request, head.Length);
        request[request.Length - 2] = (byte)'\r';
        request[request.Length - 1] = (byte)'\n';
    }

    public async Task<long> PublishAsync()
    {
        await stream.WriteAsync(request, 0, request.Length).ConfigureAwait(false);
        while (!HasLine())
        {
            await FillAsync().ConfigureAwait(false);
        }
        return Number();
    }

    public long Publish()
    {
        socket.Send(request);
        while (!HasLine())
        {
            Fill();
        }
        return Number();
    }

    public void Write(string text)
    {
        socket.Send(Encoding.ASCII.GetBytes(text));
    }

    /// <summary>Reads an array of three, and gives its last bulk string.</summary>
    public async ValueTask<byte[]> ReadPush(bool blocks)
    {
        byte[] last = null;
        await NeedLine(blocks).ConfigureAwait(false);
        for (long items = Number(); items > 0; items--)
        {
            await NeedLine(blocks).ConfigureAwait(false);
            bool isNumber = buffer[at] == ':';
            int length = (int)Number();
            if (isNumber)
            {
                continue;
            }
            while (end - at < length + 2)
            {
                await Need(blocks).ConfigureAwait(false);
            }
            last = new byte[length];
            Buffer.BlockCopy(buffer, at, last, 0, length);
            at += length + 2;
        }
        return last;
    }

    private async ValueTask<bool> NeedLine(bool blocks)
    {
        while (!HasLine())
        {
            await Need(blocks).ConfigureAwait(false);
        }
        return true;
    }

    private async ValueTask<bool> Need(bool blocks)
    {
        if (blocks)
        {
            Fill();
        }
        else
        {
            await FillAsync().ConfigureAwait(false);
        }
        return true;
    }

    private bool HasLine()
    {
        return Array.IndexOf(buffer, (byte)'\n', at, end - at) >= 0;
    }

    /// <summary>The number of a line, behind its first byte.</summary>
    private long Number()
    {
        long number = 0;
        for (at++; buffer[at] != '\r'; at++)
        {
            number = number * 10 + buffer[at] - '0';
        }
        at += 2;
        return number;
    }

    private void Compact()
    {
        Buffer.BlockCopy(buffer, at, buffer, 0, end - at);
        end -= at;
        at = 0;
    }

    private async Task FillAsync()
    {
        Compact();
        Took(await stream.ReadAsync(buffer, end, buffer.Length - end).ConfigureAwait(false));
    }

    private void Fill()
    {
        Compact();
        Took(socket.Receive(buffer, end, buffer.Length - end, SocketFlags.None));
    }

    private void Took(int count)
    {
        if (count == 0)
        {
            throw new InvalidOperationException("Redis closed the connection");
        }
        end += count;
    }
}
