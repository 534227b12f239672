<?php

/**
 * The worker of these tests' own servers: sends back what it gets; `who` is answered with what is known of the encryption,
 * and STARTTLS with that.
 */

declare(strict_types=1);

use RR\Tcp\Request;
use RR\Tcp\Worker;

require __DIR__ . '/../../php/autoload.php';

$worker = Worker::create();
while ($request = $worker->waitRequest()) {
    match (true) {
        $request->event !== Request::DATA => $worker->read(),
        trim($request->body) === 'who' => $worker->write(json_encode($request->tls, JSON_UNESCAPED_SLASHES) . "\r\n"),
        trim($request->body) === 'STARTTLS' => $worker->startTls("220 Go ahead\r\n"),
        default => $worker->write($request->body),
    };
}
