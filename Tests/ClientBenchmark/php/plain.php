<?php

declare(strict_types=1);

/*
 * Redis by PHP's streams alone: a connection for each request that is under way.
 */

require __DIR__ . '/measure.php';

const LIBRARY = 'PHP streams';

/** One connection to Redis. */
final class Connection implements Publisher
{
    /** @var resource */
    private $stream;

    public function __construct()
    {
        $this->stream = stream_socket_client(str_replace('redis://', 'tcp://', ADDRESS), $code, $reason, 10);
        if (str_starts_with(ADDRESS, 'redis:')) {
            socket_set_option(socket_import_stream($this->stream), SOL_TCP, TCP_NODELAY, 1);
        }
    }

    public function stream()
    {
        return $this->stream;
    }

    public function begin(): void
    {
        $this->write('PUBLISH', CHANNEL, PAYLOAD);
    }

    public function end(): int
    {
        return $this->read();
    }

    public function write(string ...$arguments): void
    {
        $command = '*' . count($arguments) . "\r\n";
        foreach ($arguments as $argument) {
            $command .= '$' . strlen($argument) . "\r\n$argument\r\n";
        }
        for ($written = 0; $written < strlen($command); $written += $count) {
            $count = fwrite($this->stream, $written === 0 ? $command : substr($command, $written));
            if ($count === false) {
                throw new RuntimeException('Redis has closed the connection');
            }
        }
    }

    /** One answer, of whatever type. */
    public function read(): mixed
    {
        $line = fgets($this->stream);
        if ($line === false) {
            throw new RuntimeException('Redis has closed the connection');
        }
        $value = substr($line, 1, -2);
        switch ($line[0]) {
            case '+':
                return $value;
            case ':':
                return (int) $value;
            case '$':
                $size = (int) $value;
                if ($size === -1) {
                    return null;
                }
                $data = '';
                for ($left = $size + 2; $left > 0; $left = $size + 2 - strlen($data)) {
                    $data .= fread($this->stream, $left);
                }

                return substr($data, 0, -2);
            case '*':
                $values = [];
                for ($left = (int) $value; $left > 0; $left--) {
                    $values[] = $this->read();
                }

                return $values;
            default:
                throw new RuntimeException("Redis says $line");
        }
    }
}

function publish_1(int $count, Connection $connection): void
{
    for ($number = 0; $number < $count; $number++) {
        $connection->begin();
        check_receivers($connection->end());
    }
}

function deliver(Connection $connection): void
{
    $connection->write('SUBSCRIBE', CHANNEL);
    $delivery = null;
    while (true) {
        [$type, , $payload] = $connection->read();
        if ($type === 'subscribe') {
            $delivery = new Delivery(LIBRARY);
        } elseif ($delivery->take($payload)) {
            return;
        }
    }
}

if (WORKLOAD === 'delivery') {
    deliver(new Connection());
} else {
    $connections = [];
    for ($number = 0; $number < (WORKLOAD === 'publish-1' ? 1 : 64); $number++) {
        $connections[] = new Connection();
    }
    $publish = WORKLOAD === 'publish-1' ? static fn (int $count) => publish_1($count, $connections[0])
        : static fn (int $count) => publish_by_fibers($count, $connections);
    $publish(WARMUP);
    $clock = new Clock();
    $publish(COUNT);
    $clock->report(LIBRARY);
}
