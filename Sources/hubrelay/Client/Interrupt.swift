internal import Glibc

/// Makes Ctrl-C and a service manager's SIGTERM a successful end, for a command that does not end by itself.
///
/// The process ends inside the signal handler. That loses nothing, because every line has been written by then, and
/// _exit(2) is among the few calls that a handler may make (signal-safety(7)).
func endQuietlyOnInterrupt() {
    for number in [SIGINT, SIGTERM] {
        signal(number) { _ in _exit(0) }
    }
}
