<?php

declare(strict_types=1);

/*
 * hubrelay's client. 64 callers are 64 Fibers.
 */

use Hubrelay\Client;
use Hubrelay\Event;
use Hubrelay\Message;

require __DIR__ . '/measure.php';
require __DIR__ . '/../../../proto/clients/php/autoload.php';

const LIBRARY = 'hubrelay';

function publish_all(Client $client, int $count): void
{
    if (WORKLOAD === 'publish-1') {
        for ($number = 0; $number < $count; $number++) {
            check_receivers($client->publish(CHANNEL, PAYLOAD));
        }

        return;
    }
    $callers = [];
    for ($caller = 0; $caller < 64; $caller++) {
        $callers[] = $client->spawn(static function () use ($client, &$count): void {
            while ($count-- > 0) {
                check_receivers($client->publish(CHANNEL, PAYLOAD));
            }
        });
    }
    foreach ($callers as $caller) {
        $caller->await();
    }
}

$client = new Client(ADDRESS, 'bench');
$client->ready(10);
if (WORKLOAD === 'delivery') {
    $subscription = $client->listen(CHANNEL);
    $delivery = new Delivery(LIBRARY);
    $subscription->onEvent(static function (Event $event) use ($client, $delivery): void {
        if (!$event instanceof Message) {
            throw new RuntimeException('instead of a message: ' . get_class($event));
        }
        if ($delivery->take($event->payload)) {
            $client->stop();
        }
    });
    $client->run();
} else {
    publish_all($client, WARMUP);
    $clock = new Clock();
    publish_all($client, COUNT);
    $clock->report(LIBRARY);
}
$client->close();
