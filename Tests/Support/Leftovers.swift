internal import Glibc
internal import Synchronization

/// Ends and removes what a test process leaves behind when it dies without cleaning up: a crash, a sanitizer's
/// abort, Ctrl-C. A small shell is told what exists; when it hears no more, whatever still exists goes.
///
/// In a normal run every process and directory is struck off the list by its owner, and the shell finds nothing.
final class Leftovers: Sendable {
    static let shared = Leftovers()

    enum Kind: String {
        case process = "pid"
        case directory = "dir"
        case namespace = "netns"
    }

    /// Removes the network namespace `$1` and what stands in for /etc there.
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
        // A peer that is gone is an error that the harness reports, not the end of the test process.
        signal(SIGPIPE, SIG_IGN)
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            shell = Mutex(-1)
            return
        }
        // A session of its own: what ends the tests from the terminal must not end the shell first.
        let started = try? Spawn.start("/bin/sh", ["-c", Leftovers.script], input: ends[0], ownSession: true)
        close(ends[0])
        if started == nil { close(ends[1]) }
        shell = Mutex(started == nil ? -1 : ends[1])
    }

    /// Says that something exists from now on.
    func add(_ kind: Kind, _ value: String) { tell("+ \(kind.rawValue) \(value)\n") }

    /// Says that its owner has ended or removed it.
    func remove(_ kind: Kind, _ value: String) { tell("- \(kind.rawValue) \(value)\n") }

    private func tell(_ line: String) {
        let bytes = Array(line.utf8)
        shell.withLock { descriptor in
            if descriptor >= 0 { _ = write(descriptor, bytes, bytes.count) }
        }
    }
}
