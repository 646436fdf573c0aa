<?php

declare(strict_types=1);

/*
 * The web request of a pair, as PHP-FPM runs it: it publishes, and the socket servers, on any number of hosts, bring it
 * to everybody who listens there. PHP's own web server runs it, too:
 *
 *     HUBRELAY_SOCKET=/tmp/chat.sock php -S 127.0.0.1:7002 web_request.php
 *     curl --data hello http://127.0.0.1:7002/rooms/lobby
 */

use Hubrelay\Exception\HubrelayException;
use Hubrelay\Exception\InterruptedException;
use Hubrelay\Publisher;

require __DIR__ . '/../autoload.php';

const LONGEST = 64 << 10; // bytes of a message

header('Content-Type: text/plain; charset=utf-8');
$path = rawurldecode((string) parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH));
$text = (string) file_get_contents('php://input', length: LONGEST + 1);
if ($_SERVER['REQUEST_METHOD'] !== 'POST' || !str_starts_with($path, '/rooms/')) {
    http_response_code(404);
    echo "POST /rooms/NAME\n";
    return;
}
if (strlen($text) > LONGEST) {
    http_response_code(413);
    echo 'a message has at most ' . LONGEST . " bytes\n";
    return;
}
try {
    // It lives as long as the request: its destructor closes it.
    $publisher = new Publisher(getenv('HUBRELAY_SOCKET') ?: '/run/hubrelay/hubrelay.sock');
    $publisher->publish('room.' . substr($path, strlen('/rooms/')), $text);
    echo "sent\n";
} catch (InterruptedException $error) {
    http_response_code(503);
    echo "perhaps sent: {$error->getMessage()}\n";
} catch (HubrelayException $error) {
    http_response_code(503);
    echo "not sent: {$error->getMessage()}\n";
}
