<?php

/** The worker of `--worker php`: answers DATA with its body, as worker.c does. */

declare(strict_types=1);

require __DIR__ . '/../php/autoload.php';

use RR\Tcp\Request;
use RR\Tcp\Worker;

$worker = Worker::create();
while ($request = $worker->waitRequest()) {
    if ($request->event === Request::DATA) {
        $worker->write($request->body);
    } else {
        $worker->read();
    }
}
