<?php

/**
 * The worker of these tests, on the package in php/. It names each event's body on standard error, and does what
 * the body says; another body is answered with itself, and one that begins with `quick` without a word.
 */

declare(strict_types=1);

use RR\Tcp\Request;
use RR\Tcp\Worker;

require __DIR__ . '/../../php/autoload.php';

/** Says that it waits, and goes on when a byte comes on descriptor 3. */
function await(): void
{
    static $gate = null;
    $gate ??= fopen('php://fd/3', 'rb');
    fwrite(STDERR, "waits\n");
    stream_set_read_buffer($gate, 0);
    fread($gate, 1);
}

$worker = Worker::create();
while ($request = $worker->waitRequest()) {
    if ($request->event !== Request::DATA) {
        if ($request->server === 'answered') {
            $worker->read();
        }
        continue;
    }
    if (str_starts_with($request->body, 'quick')) {
        $worker->write($request->body);
        continue;
    }
    fwrite(STDERR, 'handles ' . substr($request->body, 0, 40) . "\n");
    [$what, $argument] = explode(' ', substr($request->body, 0, 40), 2) + ['', ''];
    match ($what) {
        'forget' => null,
        'twice' => [$worker->write('once'), $worker->write('twice')],
        'late-error' => [$worker->write('once'), $worker->error('too late')],
        'twice-caught' => (static function () use ($worker): void {
            $worker->write('once');
            try {
                $worker->write('twice');
            } catch (LogicException) {
                fwrite(STDERR, "refused\n");
            }
        })(),
        'error' => $worker->error('a message'),
        'size' => $worker->write(str_repeat('s', (int) $argument)),
        'length' => $worker->write((string) strlen($request->body)),
        'stop' => $worker->stop(),
        'stop-text' => $worker->respond('', '{ "stop" : true }'),
        'exit' => exit(3),
        'throw' => throw new RuntimeException('nobody catches it'),
        'fatal' => [ini_set('memory_limit', '64M'), str_repeat('x', 1 << 30)],
        'kill' => posix_kill(getmypid(), SIGKILL),
        'answer-and-wait' => [$worker->write('answered'), await()],
        'flush-and-wait' => [$worker->write('flushed'), $worker->flush(), await()],
        'wait' => [await(), $worker->write('waited')],
        'drop' => (static function () use (&$worker): void {
            $worker->write('dropped');
            $worker = null;
            await();
            exit(0);
        })(),
        'fork' => (static function () use ($worker): void {
            $child = pcntl_fork();
            if ($child === 0) {
                exit(0);
            }
            pcntl_waitpid($child, $status);
            $worker->write('forked');
        })(),
        default => $worker->write($request->body),
    };
}
fwrite(STDERR, "left the loop\n");
