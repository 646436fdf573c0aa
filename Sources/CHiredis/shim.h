#pragma once
// The wrappers below hide what differs between hiredis 0.14 (Debian 12) and 1.x: the rest of the project compiles with
// both.
#include <stdlib.h>
#include <string.h>
#include <hiredis/hiredis.h>

#if HIREDIS_MAJOR >= 1
static inline void *hubrelay_refuse_double(const redisReadTask *task, double value, char *text, size_t count) {
    (void)task; (void)value; (void)text; (void)count;
    return NULL;
}

static inline void *hubrelay_refuse_bool(const redisReadTask *task, int value) {
    (void)task; (void)value;
    return NULL;
}
#endif

/// Sets the members that only a RESP3 reader has to functions that end the reading. If they were null, hiredis would
/// silently swallow such a value, and an array would come out short.
static inline void hubrelay_refuse_resp3(redisReplyObjectFunctions *functions) {
#if HIREDIS_MAJOR >= 1
    functions->createDouble = hubrelay_refuse_double;
    functions->createBool = hubrelay_refuse_bool;
#else
    (void)functions;
#endif
}

/// REDIS_REPLY_* of the item that the reader is in the middle of; -1 if it is between two items.
static inline int hubrelay_item_type(const redisReader *reader) {
    if (reader->ridx < 0) return -1;
#if HIREDIS_MAJOR >= 1
    return reader->task[reader->ridx]->type;
#else
    return reader->rstack[reader->ridx].type;
#endif
}

/// Bytes of memory that the reader's buffer has, used or not.
static inline size_t hubrelay_buffer_capacity(const redisReader *reader) {
    return reader->buf == NULL ? 0 : sdsalloc(reader->buf);
}
