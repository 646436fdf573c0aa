<?php

declare(strict_types=1);

namespace Hubrelay;

/**
 * Makes the sockets of a client: to the relay's path, or to Testing\FakeRelay.
 */
interface Connector
{
    /**
     * Returns a connected stream, which does not block.
     *
     * @return resource
     * @throws \RuntimeException with a message that says what is wrong
     */
    public function connect(string $path);

    /** Called each time before the client waits. */
    public function turn(): void;
}
