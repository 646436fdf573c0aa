<?php

declare(strict_types=1);

namespace Hubrelay;

/**
 * What a client tells its application: Message, Status, Gap, Loss or Revoked.
 */
interface Event
{
}
