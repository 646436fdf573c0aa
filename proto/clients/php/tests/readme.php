<?php

declare(strict_types=1);

/*
 * What the examples of the README take from the application around them.
 */

$sockets = new class {
    public function sendToAll(string $payload): void
    {
    }
};

function read_room_from_database(): string
{
    return '';
}
