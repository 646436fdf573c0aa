<?php

declare(strict_types=1);

namespace Hubrelay;

/**
 * An event that a client reports to its application: Message, Status, Gap, Loss or Revoked.
 */
interface Event
{
}
