#pragma once
#include <stddef.h>
#include <sys/socket.h>
#include <microhttpd.h>

// MHD_start_daemon is variadic, which Swift does not import. AdminServer.swift explains the options.
static inline struct MHD_Daemon *hubrelay_http_start(
    unsigned int max_connections, size_t connection_memory, MHD_AccessHandlerCallback on_request,
    void *(*on_uri)(void *closure, const char *uri, struct MHD_Connection *connection),
    MHD_RequestCompletedCallback on_completed, MHD_NotifyConnectionCallback on_connection, void *closure)
{
    return MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, closure,
        MHD_OPTION_CONNECTION_LIMIT, max_connections,
        MHD_OPTION_CONNECTION_TIMEOUT, 0u,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, connection_memory,
        MHD_OPTION_URI_LOG_CALLBACK, on_uri, closure,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, closure,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, closure,
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

// The library closes the descriptor in any case. The peer's address is not needed here, and a Unix socket has none.
static inline enum MHD_Result hubrelay_http_add(struct MHD_Daemon *daemon, int descriptor)
{
    struct sockaddr address = { .sa_family = AF_UNSPEC };
    return MHD_add_connection(daemon, descriptor, &address, sizeof address);
}

// MHD_get_connection_info is variadic too. -1: the connection has no socket.
static inline int hubrelay_http_socket(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info == NULL ? -1 : info->connect_fd;
}

// The value that was stored for the connection when it began.
static inline void *hubrelay_http_context(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info == NULL ? NULL : info->socket_context;
}

// Swift sees enumerations that are marked as closed under other names than those in the header, and versions differ in
// which ones are marked. These constants have the same names with all versions.
static const enum MHD_Result hubrelay_http_yes = MHD_YES;
static const enum MHD_Result hubrelay_http_no = MHD_NO;
static const enum MHD_ResponseMemoryMode hubrelay_http_copy = MHD_RESPMEM_MUST_COPY;
static const enum MHD_ValueKind hubrelay_http_header = MHD_HEADER_KIND;
static const enum MHD_ConnectionNotificationCode hubrelay_http_started = MHD_CONNECTION_NOTIFY_STARTED;
