<?php

/**
 * The worker of ../worker.php on RoadRunner's own PHP client.
 */

declare(strict_types=1);

use Spiral\RoadRunner\Tcp\TcpEvent;
use Spiral\RoadRunner\Tcp\TcpResponse;
use Spiral\RoadRunner\Tcp\TcpWorker;
use Spiral\RoadRunner\Worker;

require __DIR__ . '/vendor/autoload.php';
// The storage of the SMTP sessions.
require __DIR__ . '/../../php/autoload.php';
require __DIR__ . '/../echo.php';
require __DIR__ . '/../smtp.php';

// Create new RoadRunner worker from global environment
$worker = Worker::create();
$tcpWorker = new TcpWorker($worker);
$services = [];

while ($request = $tcpWorker->waitRequest()) {
    try {
        $server = $request->getServer();
        $service = $services[$server] ??= match ($server) {
            'echo' => new EchoService(),
            // RoadRunner, for which this is, too, closes when an answer says where the next packet ends.
            'smtp' => SmtpService::fromEnvironment(wholeMails: false),
            default => throw new RuntimeException("worker.php has no service for the server '$server'"),
        };

        $address = $request->getRemoteAddress();
        $uuid = $request->getConnectionUuid();
        [$action, $body] = match ($request->getEvent()) {
            TcpEvent::Connected => $service->connected($server, $address, $uuid),
            TcpEvent::Data => $service->data($server, $address, $uuid, $request->getBody()),
            // Nothing is written any more, but the server waits for this answer as for any other.
            TcpEvent::Close => $service->closed($uuid),
        };
    } catch (Throwable $error) {
        $worker->error((string) $error);
        continue;
    }
    $tcpWorker->respond($body, TcpResponse::from($action));
}
