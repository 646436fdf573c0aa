<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

use Hubrelay\Internal\Frame\Error;
use Hubrelay\Internal\Frame\Hello;
use Hubrelay\Internal\Frame\Ping;
use Hubrelay\Internal\Frame\Publish;
use Hubrelay\Internal\Frame\Reply;
use Hubrelay\Internal\Frame\Subscribe;
use Hubrelay\Internal\Frame\Unsubscribe;
use Hubrelay\Internal\Frame\Welcome;
use Hubrelay\Loss;
use Hubrelay\Message;
use Hubrelay\Revoked;
use Hubrelay\Status;

/**
 * The fields of each frame, as in hubrelay.proto.
 *
 * @internal
 */
final class Schema
{
    public const UINT64 = 'uint64';
    public const UINT32 = 'uint32';
    public const BOOL = 'bool';
    public const ENUM = 'enum';
    public const STRING = 'string';
    public const BYTES = 'bytes';
    public const STRINGS = 'repeated string';

    /** The n-th kind of each list has number n in the schema's oneof. */
    public const CLIENT_FRAME = [Hello::class, Publish::class, Subscribe::class, Unsubscribe::class, Ping::class];
    public const RELAY_FRAME = [
        Welcome::class, Message::class, Reply::class, Status::class, Loss::class, Error::class, Revoked::class,
    ];

    private const NAMES = ['id' => self::UINT64, 'channels' => self::STRINGS, 'patterns' => self::STRINGS];

    /** Name and type of each field; the n-th has number n. */
    public const FIELDS = [
        Hello::class => ['version' => self::UINT32, 'clientName' => self::STRING],
        Publish::class => ['channel' => self::STRING, 'payload' => self::BYTES, 'id' => self::UINT64],
        Subscribe::class => self::NAMES,
        Unsubscribe::class => self::NAMES,
        Ping::class => ['id' => self::UINT64, 'settled' => self::BOOL],
        Welcome::class => [
            'version' => self::UINT32, 'relayVersion' => self::STRING, 'relayId' => self::STRING,
            'maxFrameBytes' => self::UINT32, 'status' => Status::class, 'maxPayloadBytes' => self::UINT32,
            'features' => self::STRINGS,
        ],
        Message::class => ['channel' => self::STRING, 'payload' => self::BYTES, 'pattern' => self::STRING],
        Reply::class => [
            'id' => self::UINT64, 'outcome' => self::ENUM, 'receivers' => self::UINT64, 'detail' => self::STRING,
            'channels' => self::STRINGS, 'patterns' => self::STRINGS,
        ],
        Status::class => [
            'state' => self::ENUM, 'reason' => self::STRING, 'sinceUnixMs' => self::UINT64,
            'outages' => self::UINT64, 'downMs' => self::UINT64, 'publishing' => self::BOOL,
            'receiving' => self::BOOL, 'gaps' => self::UINT64, 'cause' => self::ENUM,
        ],
        Loss::class => [
            'publishes' => self::UINT64, 'messages' => self::UINT64, 'reason' => self::STRING,
            'publishesUnknown' => self::UINT64, 'cause' => self::ENUM,
        ],
        Error::class => ['code' => self::ENUM, 'detail' => self::STRING],
        Revoked::class => ['channels' => self::STRINGS, 'patterns' => self::STRINGS, 'detail' => self::STRING],
    ];

    /**
     * The name of a constant, or the number if there is none. For people.
     *
     * @param class-string $class
     */
    public static function nameOf(string $class, int $number): string
    {
        $name = \array_search($number, (new \ReflectionClass($class))->getConstants(), true);

        return $name === false ? "number $number" : $name;
    }
}
