#pragma once
#include <stddef.h>
#include <microhttpd.h>

// MHD_start_daemon is variadic, which Swift does not import. What is chosen here and why: AdminServer.swift.
static inline struct MHD_Daemon *hubrelay_http_start(
    MHD_socket listening, unsigned int max_connections, unsigned int timeout_seconds, size_t connection_memory,
    MHD_AccessHandlerCallback on_request,
    void *(*on_uri)(void *closure, const char *uri, struct MHD_Connection *connection),
    MHD_RequestCompletedCallback on_completed, void *closure)
{
    return MHD_start_daemon(
        MHD_USE_EPOLL, 0, NULL, NULL, on_request, closure,
        MHD_OPTION_LISTEN_SOCKET, listening,
        MHD_OPTION_CONNECTION_LIMIT, max_connections,
        MHD_OPTION_CONNECTION_TIMEOUT, timeout_seconds,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, connection_memory,
        MHD_OPTION_URI_LOG_CALLBACK, on_uri, closure,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, closure,
#if MHD_VERSION >= 0x00097205
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
#endif
        MHD_OPTION_END);
}

// MHD_get_daemon_info is variadic too. -1: the daemon has no epoll descriptor.
static inline int hubrelay_http_epoll_descriptor(struct MHD_Daemon *daemon)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
    return info == NULL ? -1 : info->epoll_fd;
}

static inline unsigned int hubrelay_http_connections(struct MHD_Daemon *daemon)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
    return info == NULL ? 0 : info->num_connections;
}

// Enumerations that are marked as closed reach Swift under other names than in the header, and which ones are
// marked differs between versions: these constants have one name with all of them.
static const enum MHD_Result hubrelay_http_yes = MHD_YES;
static const enum MHD_Result hubrelay_http_no = MHD_NO;
static const enum MHD_ResponseMemoryMode hubrelay_http_copy = MHD_RESPMEM_MUST_COPY;
