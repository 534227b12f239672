<?php

/** The worker of these tests. It uses the RPC before its first event, and does what a line says. */

declare(strict_types=1);

use RR\Connections;
use RR\KeyValue;
use RR\Logger;
use RR\Metrics;
use RR\Rpc;
use RR\Tcp\Request;
use RR\Tcp\Worker;
use RR\WorkerPool;

require __DIR__ . '/../autoload.php';

$rpc = Rpc::create();
$storage = new KeyValue($rpc, 'test');
$storage->set('booted', getmypid());
(new Logger($rpc))->info('the worker boots', ['worker' => getmypid()]);
(new Metrics($rpc))->declare('lines_total', Metrics::COUNTER, 'Lines.', ['what']);

$worker = Worker::create();
while ($request = $worker->waitRequest()) {
    if ($request->server === 'frames') {
        // An object is the arguments of the answer; another packet is answered with its hexadecimal digits.
        $next = str_starts_with($request->body, '{') ? json_decode($request->body, true) : null;
        match (true) {
            $request->event !== Request::DATA => $worker->read(),
            $next === null => $worker->write(bin2hex($request->body) . "\r\n"),
            isset($next['body']) => $worker->write(...$next),
            default => $worker->read(...$next),
        };
        continue;
    }
    if ($request->event !== Request::DATA) {
        $request->event === Request::CLOSE ? $storage->delete($request->uuid) : $storage->set($request->uuid, 0);
        $worker->read();
        continue;
    }
    $line = rtrim($request->body);
    (new Metrics($rpc))->add('lines_total', 1, [$line]);
    $storage->set($request->uuid, $lines = $storage->get($request->uuid) + 1);
    match ($line) {
        'close' => (new Connections($rpc))->close($request->uuid),
        'reset' => (new WorkerPool($rpc))->reset(),
        default => null,
    };
    $worker->write("$lines $request->uuid " . getmypid() . "\r\n");
}
