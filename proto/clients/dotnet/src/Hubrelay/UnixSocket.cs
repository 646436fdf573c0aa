using System;
using System.IO;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace Hubrelay
{
    /// <summary>A non-blocking stream socket to a path: each call reports what it could not do at once.</summary>
    internal sealed class UnixSocket
    {
        private readonly Socket socket;
        private readonly ArraySegment<byte>[] segment = new ArraySegment<byte>[1];

        private UnixSocket(Socket socket)
        {
            this.socket = socket;
        }

        /// <summary>Connects; on a Unix socket this takes no time.</summary>
        /// <exception cref="IOException">Its message has the path, and the error of connect.</exception>
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
        /// Writes as much as fits. One thread at a time may call it. Returns how many bytes were written, which may be 0, or -1
        /// if it failed.
        /// </summary>
        public int Send(byte[] bytes, int start, int count)
        {
            // Under Mono the overloads for one array wait in a loop, although the socket does not block.
            segment[0] = new ArraySegment<byte>(bytes, start, count);
            try
            {
                int sent = socket.Send(segment, SocketFlags.None, out SocketError error);
                return error == SocketError.Success ? sent : error == SocketError.WouldBlock ? 0 : -1;
            }
            catch (Exception)
            {
                return -1; // the reading thread finds out why
            }
        }

        /// <summary>Waits until there is something to read, or the end is reached.</summary>
        public void WaitToRead()
        {
            socket.Poll(-1, SelectMode.SelectRead);
        }

        /// <summary>Waits until there is room to write, or the end is reached, but for at most a second.</summary>
        public void WaitToWrite()
        {
            Poll(1000000, SelectMode.SelectWrite);
        }

        /// <summary>Whether there is something to read, or the end is reached.</summary>
        public bool CanRead()
        {
            return Poll(0, SelectMode.SelectRead);
        }

        /// <summary>Whether the other side has hung up, even if something is unread. Not every runtime can report this.</summary>
        public bool HasHungUp()
        {
            return Poll(0, SelectMode.SelectError);
        }

        /// <summary>Polls the socket. A socket that has failed counts as ready: the next call reports the error.</summary>
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

        /// <summary>Reads the bytes that are there. 0: the end. -1: there are none now.</summary>
        /// <exception cref="SocketException">The read failed.</exception>
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

        /// <summary>Shuts the writing side, or both sides. A thread that waits to read is woken.</summary>
        public void Shutdown(SocketShutdown how)
        {
            try
            {
                socket.Shutdown(how);
            }
            catch (SocketException)
            {
                // The other side has closed: the reading thread finds that out.
            }
            catch (ObjectDisposedException)
            {
                // This side has closed it.
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

        /// <summary>Whether the path does not exist. Mono reports "connection refused" also in that case.</summary>
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

    /// <summary>Calls that the class library does not have. Each of them does nothing if the C library differs.</summary>
    internal static class Libc
    {
        private const int SetFd = 2;
        private const int CloseOnExecFlag = 1;
        private const int StatxBytes = 256;

        public static bool IsMono { get; } = Type.GetType("Mono.Runtime") != null;

        /// <summary>Sets close-on-exec. .NET does this by itself, Mono does not.</summary>
        public static void CloseOnExec(Socket socket)
        {
            if (IsMono)
            {
                Try(() => fcntl((int)socket.Handle, SetFd, CloseOnExecFlag));
            }
        }

        /// <summary>
        /// The user and groups of this process, and the owner and mode of the socket, as far as Linux shows them.
        /// </summary>
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

        /// <summary>A line of /proc/self/status: one of its numbers, counted from 0, or all of them if number is 0.</summary>
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
                // This system has no such file, or does not allow to read it.
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
                // The C library is a different one.
            }
            catch (DllNotFoundException)
            {
                // The system is a different one.
            }
        }

        [DllImport("libc", SetLastError = true)]
        private static extern int fcntl(int descriptor, int command, int argument);

        [DllImport("libc", SetLastError = true, CharSet = CharSet.Ansi)]
        private static extern int statx(int folder, string path, int flags, uint mask, byte[] result);
    }
}
