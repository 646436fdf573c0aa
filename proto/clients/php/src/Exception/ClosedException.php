<?php

declare(strict_types=1);

namespace Hubrelay\Exception;

/**
 * The client, or the subscription, is closed. Nothing was sent.
 */
final class ClosedException extends HubrelayException
{
}
