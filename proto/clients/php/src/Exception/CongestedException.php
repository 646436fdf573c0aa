<?php

declare(strict_types=1);

namespace Hubrelay\Exception;

/**
 * Nothing was sent: too much waits for the relay already, or for Replies.
 */
final class CongestedException extends HubrelayException
{
}
