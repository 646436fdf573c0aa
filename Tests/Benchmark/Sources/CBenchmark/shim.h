// What the benchmark needs of Linux and Swift's Glibc module leaves out: starting processes that end with this one, and
// the affinity and the clocks of other processes. Calls that fail return -errno.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// Starts `arguments[0]`, looked up in PATH, with nothing on its standard input and both outputs in `output`. It is
// sent SIGTERM when this process ends, however that comes about, and is out of reach of the terminal's Ctrl-C, so that
// this process decides when it ends. Exit code 127: it could not be run.
static inline int hubrelay_start(char *const *arguments, int output)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid != 0) return pid < 0 ? -errno : pid;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(127); // it has ended already
    int input = open("/dev/null", O_RDONLY);
    if (dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0) _exit(127);
    execvp(arguments[0], arguments);
    _exit(127);
}

// The processors that a thread may run on: a bit each, 64 to a word.
static inline int hubrelay_set_affinity(pid_t thread, const uint64_t *mask, size_t bytes)
{
    return syscall(SYS_sched_setaffinity, thread, bytes, mask) < 0 ? -errno : 0;
}

// The number of bytes written to `mask`.
static inline int hubrelay_get_affinity(pid_t thread, uint64_t *mask, size_t bytes)
{
    long written = syscall(SYS_sched_getaffinity, thread, bytes, mask);
    return written < 0 ? -errno : (int)written;
}

// Nanoseconds of processor time of all threads of a process (clock_getcpuclockid(3)).
static inline int64_t hubrelay_processor_time(pid_t pid)
{
    clockid_t clock;
    struct timespec time;
    int code = clock_getcpuclockid(pid, &clock);
    if (code != 0) return -code;
    if (clock_gettime(clock, &time) != 0) return -errno;
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}
