<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

use Hubrelay\Connector;

/**
 * Connects to the relay's socket, and says what is wrong if that fails.
 *
 * @internal
 */
final class UnixConnector implements Connector
{
    /** The longest path that Linux allows. PHP would cut a longer path, and so connect to another one. */
    private const MAX_PATH_BYTES = 107;

    private const EAGAIN = 11;
    private const EACCES = 13;

    public function connect(string $path)
    {
        if ($path === '' || \strlen($path) > self::MAX_PATH_BYTES) {
            throw new \RuntimeException("$path: a socket's path has 1 to " . self::MAX_PATH_BYTES . ' bytes');
        }
        // On a Unix socket this succeeds or fails at once.
        $stream = @\stream_socket_client("unix://$path", $code, $reason, 5.0, \STREAM_CLIENT_CONNECT);
        if ($stream === false) {
            throw new \RuntimeException(self::explained($path, $code, $reason));
        }
        \stream_set_blocking($stream, false);
        \stream_set_read_buffer($stream, 0);
        \stream_set_write_buffer($stream, 0);

        return $stream;
    }

    public function turn(): void
    {
    }

    private static function explained(string $path, int $code, string $reason): string
    {
        $text = "$path: " . ($reason !== '' ? $reason : "error $code");
        if ($code === self::EAGAIN) {
            return "$text (the relay accepts no connections at present)";
        }
        if ($code !== self::EACCES) {
            return $text;
        }
        if (\function_exists('posix_geteuid')) {
            $groups = \posix_getgroups() ?: [];
            \sort($groups);
            $text .= ' for uid ' . \posix_geteuid() . ', groups ' . \implode(',', $groups);
        }
        \clearstatcache(true, $path);
        $facts = @\stat($path);
        if ($facts === false) {
            return "$text; a directory on the way to it cannot be entered";
        }

        return \sprintf('%s; the socket belongs to %d:%d, mode %04o', $text, $facts[4], $facts[5], $facts[2] & 07777);
    }
}
