using System;
using System.IO;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace Hubrelay
{
    /// <summary>A stream socket to a path that never blocks: what cannot be done at once is told.</summary>
    internal sealed class UnixSocket
    {
        private readonly Socket socket;
        private readonly ArraySegment<byte>[] segment = new ArraySegment<byte>[1];

        private UnixSocket(Socket socket)
        {
            this.socket = socket;
        }

        /// <summary>Connects, which takes no time on a Unix socket.</summary>
        /// <exception cref="IOException">It says the path, and what connect said.</exception>
        public static UnixSocket Connect(string path)
        {
            Socket socket = null;
            try
            {
                socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified); // fails without descriptors
                Libc.CloseOnExec(socket);
                socket.Blocking = false;
                socket.Connect(new UnixDomainSocketEndPoint(path));
                return new UnixSocket(socket);
            }
            catch (Exception e)
            {
                socket?.Dispose();
                throw new IOException($"connect {path}: {Words(path, e)}", e);
            }
        }

        /// <summary>
        /// Writes what fits. One thread at a time. Returns how much that was, which may be nothing, or -1 when it failed.
        /// </summary>
        public int Send(byte[] bytes, int start, int count)
        {
            // The overloads for one array wait in a loop under Mono, though the socket does not block.
            segment[0] = new ArraySegment<byte>(bytes, start, count);
            try
            {
                int sent = socket.Send(segment, SocketFlags.None, out SocketError error);
                return error == SocketError.Success ? sent : error == SocketError.WouldBlock ? 0 : -1;
            }
            catch (Exception)
            {
                return -1; // whoever reads finds out why
            }
        }

        /// <summary>Waits until there is something to read, or the end.</summary>
        public void WaitToRead()
        {
            socket.Poll(-1, SelectMode.SelectRead);
        }

        /// <summary>Waits until there is room to write, or the end, for a second at most.</summary>
        public void WaitToWrite()
        {
            Poll(1000000, SelectMode.SelectWrite);
        }

        /// <summary>Tells whether there is something to read, or the end.</summary>
        public bool CanRead()
        {
            return Poll(0, SelectMode.SelectRead);
        }

        /// <summary>Tells whether the other side has hung up, though something may be unread. Not every runtime can tell.</summary>
        public bool HasHungUp()
        {
            return Poll(0, SelectMode.SelectError);
        }

        /// <summary>A socket that has failed is ready for whatever comes next, which tells why.</summary>
        private bool Poll(int microseconds, SelectMode mode)
        {
            try
            {
                return socket.Poll(microseconds, mode);
            }
            catch (SocketException)
            {
                return true;
            }
        }

        /// <summary>Reads what is there. 0: the end. -1: nothing is there.</summary>
        /// <exception cref="SocketException">It failed.</exception>
        public int Receive(byte[] into, int start, int count)
        {
            int read = socket.Receive(into, start, count, SocketFlags.None, out SocketError error);
            if (error == SocketError.Success)
            {
                return read;
            }
            if (error == SocketError.WouldBlock || error == SocketError.Interrupted)
            {
                return -1;
            }
            throw new SocketException((int)error);
        }

        /// <summary>Shuts the writing side, or both. Whoever waits to read is woken.</summary>
        public void Shutdown(SocketShutdown how)
        {
            try
            {
                socket.Shutdown(how);
            }
            catch (SocketException)
            {
                // The other side has closed: whoever reads finds that out.
            }
            catch (ObjectDisposedException)
            {
                // It has been closed here.
            }
        }

        public void Close()
        {
            socket.Dispose();
        }

        private static string Words(string path, Exception e)
        {
            SocketError? code = (e as SocketException)?.SocketErrorCode;
            if (code == SocketError.AccessDenied)
            {
                return $"permission denied ({Libc.WhoIsDenied(path)})";
            }
            if (code == SocketError.TooManyOpenSockets)
            {
                return "too many open files";
            }
            return File.Exists(path) || !IsMissing(path) ? e.Message : "no such file or directory";
        }

        /// <summary>Mono says "connection refused" also when there is no such path.</summary>
        private static bool IsMissing(string path)
        {
            try
            {
                File.GetAttributes(path);
                return false;
            }
            catch (FileNotFoundException)
            {
                return true;
            }
            catch (DirectoryNotFoundException)
            {
                return true;
            }
            catch (Exception e) when (e is IOException || e is UnauthorizedAccessException)
            {
                return false;
            }
        }
    }

    /// <summary>What the class library does not have. Each does nothing where the C library differs.</summary>
    internal static class Libc
    {
        private const int SetFd = 2;
        private const int CloseOnExecFlag = 1;
        private const int StatxBytes = 256;

        public static bool IsMono { get; } = Type.GetType("Mono.Runtime") != null;

        /// <summary>.NET does this by itself, Mono does not.</summary>
        public static void CloseOnExec(Socket socket)
        {
            if (IsMono)
            {
                Try(() => fcntl((int)socket.Handle, SetFd, CloseOnExecFlag));
            }
        }

        /// <summary>This process's user and groups, and owner and mode of the socket, as far as can be seen on Linux.</summary>
        public static string WhoIsDenied(string path)
        {
            var text = new StringBuilder("this process has uid ").Append(Of("Uid:", 1)).Append(" and groups ").Append(Of("Groups:", 0));
            var status = new byte[StatxBytes];
            int result = -1;
            Try(() => result = statx(-100, path, 0, 0x7ff, status));
            if (result == 0)
            {
                int mode = BitConverter.ToUInt16(status, 28) & 0x1ff;
                text.Append("; the socket has uid ").Append(BitConverter.ToUInt32(status, 20)).Append(", gid ")
                    .Append(BitConverter.ToUInt32(status, 24)).Append(" and mode ").Append(Convert.ToString(mode, 8));
            }
            else
            {
                text.Append("; the socket's folder cannot be looked into");
            }
            return text.ToString();
        }

        /// <summary>A line of /proc/self/status: one number of it, counted from 0, or all where number is 0.</summary>
        private static string Of(string key, int number)
        {
            try
            {
                foreach (string line in File.ReadLines("/proc/self/status"))
                {
                    if (line.StartsWith(key, StringComparison.Ordinal))
                    {
                        string all = line.Substring(key.Length).Trim();
                        string[] words = all.Split('\t');
                        return number < words.Length && number > 0 ? words[number] : all.Replace('\t', ' ');
                    }
                }
            }
            catch (Exception e) when (e is IOException || e is UnauthorizedAccessException)
            {
                // Not on this system.
            }
            return "unknown";
        }

        private static void Try(Action call)
        {
            try
            {
                call();
            }
            catch (EntryPointNotFoundException)
            {
                // Another C library.
            }
            catch (DllNotFoundException)
            {
                // Another system.
            }
        }

        [DllImport("libc", SetLastError = true)]
        private static extern int fcntl(int descriptor, int command, int argument);

        [DllImport("libc", SetLastError = true, CharSet = CharSet.Ansi)]
        private static extern int statx(int folder, string path, int flags, uint mask, byte[] result);
    }
}
