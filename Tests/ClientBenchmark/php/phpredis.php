<?php

declare(strict_types=1);

/*
 * phpredis, which is written in C. It has one request under way at a time, or a pipeline.
 */

require __DIR__ . '/measure.php';

define('LIBRARY', 'phpredis ' . phpversion('redis'));

function connection(): Redis
{
    $redis = new Redis();
    $address = parse_url(ADDRESS);
    if ($address['scheme'] === 'unix') {
        $redis->connect($address['path']);
    } else {
        $redis->connect($address['host'], $address['port']);
    }

    return $redis;
}

function deliver(): void
{
    // phpredis does not say when a subscription is in force. Another process tells it by a message.
    if (pcntl_fork() === 0) {
        $redis = connection();
        while ($redis->publish('bench-begin', '') === 0) {
            usleep(1000);
        }
        posix_kill(getmypid(), SIGKILL);
    }
    $redis = connection();
    $redis->setOption(Redis::OPT_READ_TIMEOUT, -1);
    $delivery = null;
    $take = static function (Redis $redis, string $channel, string $payload) use (&$delivery): void {
        if ($channel !== CHANNEL) {
            $delivery = new Delivery(LIBRARY);
        } elseif ($delivery->take($payload)) {
            pcntl_exec('/bin/true'); // `subscribe` would go on after `exit`
        }
    };
    $redis->subscribe([CHANNEL, 'bench-begin'], $take);
}

if (WORKLOAD === 'delivery') {
    deliver();
} else {
    $redis = connection();
    publish_in_turn($redis, WARMUP, 'exec');
    $clock = new Clock();
    publish_in_turn($redis, COUNT, 'exec');
    $clock->report(LIBRARY);
}
