<?php

/**
 * A worker on RoadRunner's own packages, which are in the directory ROADRUNNER_PHP. A packet is answered with its
 * hexadecimal digits, after one that is an action, such as `WRITE;need=5`, was answered with that action.
 */

declare(strict_types=1);

use Spiral\RoadRunner\Payload;
use Spiral\RoadRunner\Tcp\TcpEvent;
use Spiral\RoadRunner\Tcp\TcpWorker;
use Spiral\RoadRunner\Worker;

require getenv('ROADRUNNER_PHP') . '/vendor/autoload.php';

$tcp = new TcpWorker(Worker::create());
while ($request = $tcp->waitRequest()) {
    $body = $request->getBody();
    match (true) {
        $request->getEvent() === TcpEvent::Close => $tcp->close(),
        $request->getEvent() === TcpEvent::Connected => $tcp->read(),
        str_contains($body, ';') => $tcp->getWorker()->respond(new Payload("ready\r\n", rtrim($body, "\r\n"))),
        default => $tcp->respond(bin2hex($body) . "\r\n"),
    };
}
