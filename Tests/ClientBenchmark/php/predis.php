<?php

declare(strict_types=1);

/*
 * Predis, which is written in PHP. A client has one request under way at a time, or a pipeline; 64 callers have a client
 * each, and use the two steps that its connection has.
 */

require __DIR__ . '/measure.php';
require '/usr/share/php/Predis/autoload.php'; // where Debian has it

define('LIBRARY', 'Predis ' . Predis\Client::VERSION);

function connection(): Predis\Client
{
    $address = parse_url(ADDRESS);
    $place = $address['scheme'] === 'unix' ? ['scheme' => 'unix', 'path' => $address['path']]
        : ['scheme' => 'tcp', 'host' => $address['host'], 'port' => $address['port']];

    return new Predis\Client($place + ['tcp_nodelay' => true, 'read_write_timeout' => -1]);
}

/** One of 64 callers. */
final class Caller implements Publisher
{
    private Predis\Client $redis;

    private ?Predis\Command\CommandInterface $command = null;

    public function __construct()
    {
        $this->redis = connection();
        $this->redis->connect();
    }

    public function stream()
    {
        return $this->redis->getConnection()->getResource();
    }

    public function begin(): void
    {
        $this->command = $this->redis->createCommand('PUBLISH', [CHANNEL, PAYLOAD]);
        $this->redis->getConnection()->writeRequest($this->command);
    }

    public function end(): int
    {
        return $this->redis->getConnection()->readResponse($this->command);
    }
}

function deliver(Predis\Client $redis): void
{
    $delivery = null;
    foreach ($redis->pubSubLoop(['subscribe' => CHANNEL]) as $message) {
        if ($message->kind === 'subscribe') {
            $delivery = new Delivery(LIBRARY);
        } elseif ($delivery->take($message->payload)) {
            return;
        }
    }
}

if (WORKLOAD === 'delivery') {
    deliver(connection());
} else {
    if (WORKLOAD === 'publish-64' && getenv('PIPELINED') === false) {
        $callers = array_map(static fn () => new Caller(), range(1, 64));
        $publish = static fn (int $count) => publish_by_fibers($count, $callers);
    } else {
        $redis = connection();
        $publish = static fn (int $count) => publish_in_turn($redis, $count, 'execute');
    }
    $publish(WARMUP);
    $clock = new Clock();
    $publish(COUNT);
    $clock->report(LIBRARY);
}
