<?php

declare(strict_types=1);

namespace Hubrelay;

/**
 * Where the sockets of a client come from: the relay's path, or Testing\FakeRelay.
 */
interface Connector
{
    /**
     * A connected stream, which does not block.
     *
     * @return resource
     * @throws \RuntimeException whose message says what is wrong
     */
    public function connect(string $path);

    /** Called each time before the client waits. */
    public function turn(): void;
}
