<?php

/** A worker on the package in php/. */

declare(strict_types=1);

use RR\Tcp\Request;
use RR\Tcp\Worker;

require __DIR__ . '/../../php/autoload.php';
require __DIR__ . '/work.php';

$work = new Work();
$worker = Worker::create();
while ($request = $worker->waitRequest()) {
    if ($request->event === Request::DATA) {
        $worker->write($work->do($request->body));
    } else {
        $worker->read();
    }
}
