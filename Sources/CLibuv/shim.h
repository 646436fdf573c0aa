#pragma once
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <uv.h>

/* Sets an option that libuv has no call for. A failure does no harm: the relay's own deadlines do not depend on it. */
static inline void hubrelay_set_user_timeout(int fd, unsigned int milliseconds) {
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds);
}

/* Whether the peer has closed both directions: after that nothing written can arrive. */
static inline int hubrelay_is_hung_up(int fd) {
    struct pollfd one = { .fd = fd, .events = 0, .revents = 0 };
    return poll(&one, 1, 0) == 1 && (one.revents & (POLLHUP | POLLERR)) != 0;
}

/* Whether there is something to read. */
static inline int hubrelay_has_input(int fd) {
    struct pollfd one = { .fd = fd, .events = POLLIN, .revents = 0 };
    return poll(&one, 1, 0) == 1 && (one.revents & POLLIN) != 0;
}

/* accept4(2), declared only for GNU sources. Returns the descriptor, non-blocking and close-on-exec, or -errno. */
static inline int hubrelay_accept(int fd) {
    long accepted = syscall(SYS_accept4, fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    return accepted < 0 ? -errno : (int)accepted;
}

static inline void hubrelay_close(int fd) { close(fd); }

/* Offers ranges to the kernel. It replaces uv_try_write, which goes through the handle, in memory of its own, and
   through write(2), which costs a few percent more than send(2). Returns how many bytes were taken, or -errno. If the
   kernel has no buffers, that is -EAGAIN, as in libuv. */
static inline long hubrelay_send(int fd, uv_buf_t *ranges, unsigned int count) {
    long sent;
    do {
        if (count == 1) {
            sent = send(fd, ranges->base, ranges->len, MSG_NOSIGNAL);
        } else {
            struct msghdr message = { .msg_iov = (struct iovec *)ranges, .msg_iovlen = count };
            sent = sendmsg(fd, &message, MSG_NOSIGNAL);
        }
    } while (sent < 0 && errno == EINTR);
    if (sent >= 0) return sent;
    return errno == ENOBUFS ? -EAGAIN : -errno;
}

/* A descriptor that becomes readable at a moment of CLOCK_MONOTONIC, or -errno. */
static inline int hubrelay_timer(void) {
    int descriptor = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    return descriptor < 0 ? -errno : descriptor;
}

static inline struct timespec hubrelay_timespec(uint64_t nanoseconds) {
    return (struct timespec){ .tv_sec = (time_t)(nanoseconds / 1000000000), .tv_nsec = (long)(nanoseconds % 1000000000) };
}

/* Both times are in nanoseconds. With 0 as the interval, the timer expires only once. */
static inline void hubrelay_set_timer(int fd, uint64_t moment, uint64_t interval) {
    struct itimerspec times = { .it_value = hubrelay_timespec(moment), .it_interval = hubrelay_timespec(interval) };
    timerfd_settime(fd, TFD_TIMER_ABSTIME, &times, NULL);
}

/* Makes the timer unreadable until it expires the next time. */
static inline void hubrelay_clear_timer(int fd) {
    uint64_t expirations;
    if (read(fd, &expirations, sizeof expirations) < 0) return; /* nothing has expired */
}
