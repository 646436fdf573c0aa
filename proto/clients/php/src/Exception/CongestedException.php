<?php

declare(strict_types=1);

namespace Hubrelay\Exception;

/**
 * Nothing was sent: too much waits already for the relay, or for Replies.
 */
final class CongestedException extends HubrelayException
{
}
