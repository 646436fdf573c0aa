internal import Glibc
internal import Synchronization

/// Ends and removes what a test process leaves behind when it dies without cleaning up: after a crash, a sanitizer's
/// abort, or Ctrl-C. A small shell is notified of what exists. When its input ends, it removes whatever still exists.
///
/// In a normal run the owner of every process and directory takes it off the list, and the shell finds nothing to
/// remove.
final class Leftovers: Sendable {
    static let shared = Leftovers()

    enum Kind: String {
        case process = "pid"
        case directory = "dir"
        case namespace = "netns"
    }

    /// Removes the network namespace `$1` and the files that replace those in /etc there.
    static let removalOfNamespace = """
        ip netns delete "$1"; rm -rf "/etc/netns/$1"; rmdir /etc/netns 2>/dev/null || :
        """

    private let shell: Mutex<Int32>

    private static let script = """
        pids=' '; dirs=' '; hosts=' '
        while read -r sign kind value; do
            case $sign$kind in
            +pid) pids="$pids$value " ;;
            -pid) pids="${pids%% $value *} ${pids#* $value }" ;;
            +dir) dirs="$dirs$value " ;;
            -dir) dirs="${dirs%% $value *} ${dirs#* $value }" ;;
            +netns) hosts="$hosts$value " ;;
            -netns) hosts="${hosts%% $value *} ${hosts#* $value }" ;;
            esac
        done
        for pid in $pids; do kill -9 "$pid"; done
        remove_host() { \(removalOfNamespace)
        }
        for host in $hosts; do case $host in hubrelay.*) remove_host "$host" ;; esac; done
        for dir in $dirs; do case $dir in /tmp/hubrelay.*) rm -rf "$dir" ;; esac; done
        """

    private init() {
        // A write to a peer that is gone must be an error that the harness reports, and must not end the test process.
        signal(SIGPIPE, SIG_IGN)
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            shell = Mutex(-1)
            return
        }
        // The shell has a session of its own: a signal from the terminal that ends the tests must not end the shell
        // first.
        let started = try? Spawn.start("/bin/sh", ["-c", Leftovers.script], input: ends[0], ownSession: true)
        close(ends[0])
        if started == nil { close(ends[1]) }
        shell = Mutex(started == nil ? -1 : ends[1])
    }

    /// Notifies the shell that something exists from now on.
    func add(_ kind: Kind, _ value: String) { tell("+ \(kind.rawValue) \(value)\n") }

    /// Notifies the shell that the owner has ended or removed it.
    func remove(_ kind: Kind, _ value: String) { tell("- \(kind.rawValue) \(value)\n") }

    private func tell(_ line: String) {
        let bytes = Array(line.utf8)
        shell.withLock { descriptor in
            if descriptor >= 0 { _ = write(descriptor, bytes, bytes.count) }
        }
    }
}
