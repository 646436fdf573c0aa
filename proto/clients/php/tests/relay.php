<?php

declare(strict_types=1);

/*
 * A FakeRelay for other processes: `php relay.php PATH`. Says when it listens.
 */

require __DIR__ . '/../autoload.php';

$relay = new Hubrelay\Testing\FakeRelay();
$relay->listen($argv[1]);
echo "listening\n";
while (true) {
    $relay->wait(60);
}
