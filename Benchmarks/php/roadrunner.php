<?php

/** A worker on spiral/roadrunner-tcp, which is in the directory ROADRUNNER_PHP. */

declare(strict_types=1);

use Spiral\RoadRunner\Tcp\TcpEvent;
use Spiral\RoadRunner\Tcp\TcpWorker;
use Spiral\RoadRunner\Worker;

require __DIR__ . '/work.php';
load_packages(getenv('ROADRUNNER_PHP'));

$work = new Work();
$worker = new TcpWorker(Worker::create());
while ($request = $worker->waitRequest()) {
    if ($request->getEvent() === TcpEvent::Data) {
        $worker->respond($work->do($request->getBody()));
    } else {
        $worker->read();
    }
}
