<?php

declare(strict_types=1);

namespace Hubrelay\Internal;

use Hubrelay\Counters;
use Hubrelay\Exception\HubrelayException;
use Hubrelay\Hooks;

/**
 * What is done at the end of each publish.
 *
 * @internal
 */
final class Published
{
    /**
     * Calls the hook before the publish; the closure counts a failure, and calls the hook behind it.
     *
     * @return \Closure(?\Throwable, mixed): mixed
     */
    public static function closure(?Hooks $hooks, Counters $counters, string $channel, string $payload): \Closure
    {
        $context = $hooks?->beforePublish($channel, $payload);

        return static function (?\Throwable $error, mixed $receivers) use ($hooks, $context, $counters): mixed {
            if ($error instanceof HubrelayException) {
                $counters->fail($error);
            }
            $hooks?->afterPublish($context, $receivers, $error);

            return $receivers;
        };
    }
}
