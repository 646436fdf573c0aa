<?php

declare(strict_types=1);

namespace Hubrelay;

/**
 * A message, exactly as it was published.
 */
final class Message implements Event
{
    /**
     * @param string $channel the channel that it was published to
     * @param string $payload its bytes
     * @param string $pattern the pattern that matched; empty if the channel itself is listened to
     */
    public function __construct(
        public readonly string $channel = '',
        public readonly string $payload = '',
        public readonly string $pattern = '',
    ) {
    }
}
