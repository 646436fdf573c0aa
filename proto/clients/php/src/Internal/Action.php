<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

/**
 * What the owner of the sockets has to do with a Link.
 *
 * @internal
 */
enum Action
{
    /** Connect; then call `opened` or `failed`. */
    case Open;

    /** Close the socket. */
    case Close;

    /** `isReading` has changed. */
    case Reading;

    /** The socket is left unread: if the relay has closed it, read it to its end. */
    case Check;
}
