<?php

declare(strict_types=1);

namespace Hubrelay\Exception;

/**
 * The relay answered with an outcome that this package does not know, which counts as a failure. Delivery is unknown.
 */
final class UnknownOutcomeException extends HubrelayException
{
}
