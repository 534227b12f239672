<?php

/**
 * The worker of the example configuration (.rr.yaml at the top of the repository). Run it with `rr serve`.
 *
 * One worker script serves all the servers of a configuration; the request says which one it is for.
 */

declare(strict_types=1);

use RR\Tcp\Request;
use RR\Tcp\Worker;

require __DIR__ . '/../php/autoload.php';
require __DIR__ . '/echo.php';
require __DIR__ . '/smtp.php';

$worker = Worker::create();
$services = [];

while ($request = $worker->waitRequest()) {
    try {
        $service = $services[$request->server] ??= match ($request->server) {
            'echo' => new EchoService(),
            'smtp' => SmtpService::fromEnvironment(),
            default => throw new RuntimeException("worker.php has no service for the server '$request->server'"),
        };

        // Each service answers with what to do and what to write; one also with where the next packet ends.
        $answer = match ($request->event) {
            Request::CONNECTED => $service->connected($request->server, $request->remoteAddr, $request->uuid),
            Request::DATA => $service->data(
                $request->server,
                $request->remoteAddr,
                $request->uuid,
                $request->body,
                $request->startTls,
            ),
            Request::CLOSE => $service->closed($request->uuid),
        };
    } catch (Throwable $error) {
        // The server logs it and closes this connection; the worker goes on with the next event.
        $worker->error((string) $error);
        continue;
    }
    [$action, $body] = $answer;
    $worker->respond($body, $action, ...$answer[2] ?? []);
}
