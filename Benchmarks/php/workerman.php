<?php

/**
 * The same on Workerman, which is in the directory WORKERMAN: BENCH_WORKERS processes at port BENCH_PORT.
 *
 * It takes bytes as they come and finds no packets in them, which costs less than what rr does.
 */

declare(strict_types=1);

use Workerman\Connection\TcpConnection;
use Workerman\Worker;

require __DIR__ . '/work.php';
load_packages(getenv('WORKERMAN'));

$directory = getenv('BENCH_DIRECTORY');
Worker::$pidFile = "$directory/workerman.pid";
Worker::$logFile = "$directory/workerman.log";
Worker::$statusFile = "$directory/workerman.status";

$work = new Work();
$server = new Worker('tcp://127.0.0.1:' . getenv('BENCH_PORT'));
$server->count = (int) getenv('BENCH_WORKERS');
$server->onMessage = static function (TcpConnection $connection, string $data) use ($work): void {
    $connection->send($work->do($data));
};
Worker::runAll();
