// What Swift's Glibc module leaves out, because that module is built without _GNU_SOURCE: constants and calls
// of Linux (socket(7), unix(7), open(2), rename(2), getrandom(2)). Only declarations, macros' values and
// inline calls.
#pragma once
#include <fcntl.h>
#include <link.h>
#include <nss.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

// struct ucred of unix(7): what SO_PEERCRED fills in.
struct hubrelay_ucred {
    pid_t pid;
    uid_t uid;
    gid_t gid;
};

// open(2): a descriptor that only names a place in the file system. It needs only search permission.
static const int hubrelay_O_PATH = __O_PATH;

// environ(7) is declared only for GNU sources, and as a variable it is of no use to Swift.
extern char **environ;
static inline char **hubrelay_environment(void) { return environ; }

// rename(2), but fails with EEXIST if `to` exists. Through syscall(2), because renameat2(3) is declared only for GNU
// sources.
static inline int hubrelay_rename_no_replace(int directory, const char *from, const char *to)
{
    const unsigned int no_replace = 1;
    return (int)syscall(SYS_renameat2, directory, from, directory, to, no_replace);
}

// prctl(2) is variadic, which Swift does not import.
static inline int hubrelay_set_undumpable(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

// ioctl_tty(2): the size of a terminal. ioctl(2) is variadic, which Swift does not import. -1: it is not a terminal.
static inline int hubrelay_window_size(int descriptor, unsigned short *rows, unsigned short *columns)
{
    struct winsize size = { 0 };
    if (ioctl(descriptor, TIOCGWINSZ, &size) != 0) return -1;
    *rows = size.ws_row;
    *columns = size.ws_col;
    return 0;
}

// Returns 1 if this program is linked statically: its headers name no dynamic linker (elf(5), PT_INTERP; getauxval(3)).
static inline int hubrelay_is_static(void)
{
    const ElfW(Phdr) *header = (const ElfW(Phdr) *)getauxval(AT_PHDR);
    for (unsigned long left = getauxval(AT_PHNUM); left > 0; left--, header++)
        if (header->p_type == PT_INTERP) return 0;
    return 1;
}

// pidfd_open(2) and pidfd_send_signal(2), Linux 5.3: glibc 2.36 has them, older ones do not.
static inline int hubrelay_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }
static inline int hubrelay_pidfd_send_signal(int descriptor, int signal)
{
    return (int)syscall(SYS_pidfd_send_signal, descriptor, signal, 0, 0);
}
