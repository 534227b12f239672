<?php

/**
 * The tests' worker: does to `rr` what it is told, good and bad. Needs nothing but this file and wire.php.
 *
 * What to do is a verb and its arguments, "sleep 100" say. It comes as the packet's first words; a packet that starts
 * with no verb is sent back as it is. The environment can order as well:
 *
 *     WORKER_START        before the handshake
 *     WORKER_READY        after the handshake
 *     WORKER_CONNECTED    for each CONNECTED; default "continue"
 *     WORKER_DATA         for each DATA, whatever the packet says
 *     WORKER_CLOSE        for each CLOSE; default "close"
 *     WORKER_STOP         for the stop command; default: end
 *     WORKER_CONTROL      for any other control frame: "ignore", "exit", or by default as RoadRunner's client does
 *     WORKER_EVENTS       a file: every event is noted there, a line of JSON each, before anything else is done
 */

declare(strict_types=1);

require_once __DIR__ . '/wire.php';

const VERBS = [
    'echo', 'inspect', 'write', 'writeclose', 'continue', 'close', 'context', 'error', 'environment', 'sha256', 'big',
    'sleep', 'wait', 'exit', 'exit-after', 'kill', 'hang', 'garbage', 'garbage-exit', 'garbage-answer', 'half',
    'half-exit', 'optionless', 'huge', 'twice', 'close-stdout', 'close-stdin', 'orphan', 'flood', 'flood-exit', 'stop',
    'stop-once', 'wait-exit', 'eat', 'eat-wait', 'family', 'adopted', 'print', 'silent', 'deaf', 'big-deaf', 'helper',
    'answer-error', 'answer-late-error', 'error-answer', 'answer-part', 'getenv', 'stray-burn', 'daemon', 'daemon-hang',
    'rpc', 'rpc-own',
];

function note(array $entry): void
{
    static $file = null;
    $path = getenv('WORKER_EVENTS');
    if ($path === false) {
        return;
    }
    if ($file === null) {
        $file = fopen($path, 'ab');
        stream_set_write_buffer($file, 0);
    }
    fwrite($file, json_encode($entry + ['pid' => getmypid()], JSON_UNESCAPED_SLASHES) . "\n");
}

/** Comes back when there is such a file, or with false when the server has gone. */
function awaitFile(string $path): bool
{
    $server = posix_getppid();
    while (!file_exists($path)) {
        usleep(2000);
        clearstatcache();
        if (posix_getppid() !== $server) {
            return false;
        }
    }
    return true;
}

/** Neither answers nor ends, until the server goes. */
function hang(): never
{
    while (fread(INPUT, 8192) !== '' || !feof(INPUT)) {
    }
    exit(0);
}

/** The bytes that the test expects from "big". */
function pattern(int $size): string
{
    return substr(str_repeat(implode('', array_map(chr(...), range(0, 250))), intdiv($size, 251) + 1), 0, $size);
}

/** The rest of an answer's header that promises nearly 4 GiB. */
function hugeRest(): string
{
    $start = "\x14\0" . pack('V', 0xfffffff0);
    return substr($start, 2) . pack('V', crc32($start)) . "\0\0" . pack('V', 5) . 'WRITE';
}

/** Writes lines of many lengths to standard error, `$size` bytes at least, and one that is not ended. */
function flood(int $size): void
{
    $number = 0;
    for ($written = 0; $written < $size; $number++) {
        $length = $number % 50 === 49 ? 100_000 : 20 + $number % 80;
        $written += fwrite(STDERR, sprintf("flood line %06d %s\n", $number, str_repeat('x', $length)));
    }
    fwrite(STDERR, "flood ends after $number lines\nflood without an end of line");
}

function obey(string $verb, string $argument, array $context, string $header, string $body): void
{
    match ($verb) {
        'echo' => answer('WRITE', $body),
        'inspect' => answer('WRITE', json_encode([
            'context' => $header, 'body' => bin2hex($body), 'pid' => getmypid(), 'parent' => posix_getppid(),
            'group' => posix_getpgrp(),
        ], JSON_UNESCAPED_SLASHES) . "\r\n"),
        'write' => answer('WRITE', "$argument\r\n"),
        'writeclose' => answer('WRITECLOSE', "$argument\r\n"),
        'continue' => answer('CONTINUE', $argument),
        'close' => answer('CLOSE', $argument),
        'context' => answer(strtok($argument, ' '), substr($argument, strlen((string) strtok($argument, ' ')) + 1)),
        'error' => send(FLAG_ERROR, [], $argument),
        'environment' => answer('WRITE', json_encode(getenv()) . "\r\n"),
        'getenv' => answer('WRITE', bin2hex((string) getenv($argument)) . "\r\n"),
        'sha256' => answer('WRITE', strlen($body) . ' ' . hash('sha256', $body) . "\r\n"),
        'big' => answer('WRITE', pattern((int) $argument)),
        'sleep' => [usleep(1000 * (int) $argument), answer('WRITE', "slept\r\n")],
        'wait' => awaitFile($argument) ? answer('WRITE', "released\r\n") : exit(0),
        'wait-exit' => [awaitFile($argument), answer('WRITE', "last words\r\n"), exit(0)],
        'exit' => exit((int) $argument),
        'exit-after' => [answer('WRITE', "$argument\r\n"), exit(0)],
        'kill' => [posix_kill(getmypid(), SIGKILL), sleep(60)],
        'hang' => hang(),
        'garbage' => [put("$argument\n"), hang()],
        'garbage-exit' => [put($argument), exit(0)],
        'garbage-answer' => [put($argument), answer('WRITE', "after garbage\r\n")],
        'half' => [put(substr(frame(0, [5], 'WRITEhalf of an answer'), 0, 20)), hang()],
        'half-exit' => [put(substr(frame(0, [5], 'WRITEhalf of an answer'), 0, 20)), exit(0)],
        'optionless' => send(0, [], 'WRITE without its option'),
        'huge' => [put(substr(frame(0, [5], ''), 0, 2) . hugeRest()), hang()],
        'twice' => put(frame(0, [5], "WRITEonce\r\n") . frame(0, [5], "WRITEtwice\r\n")),
        'close-stdout' => [fclose(STDOUT), hang()],
        'close-stdin' => [answer('WRITE', "closing\r\n"), fclose(STDIN), sleep(3600)],
        'silent' => null,
        'deaf' => [fclose(STDIN), sleep(3600)],
        'big-deaf' => [answer('WRITE', pattern((int) $argument)), fclose(STDIN), sleep(3600)],
        // An ordinary helper process: it has this worker's standard output, and not its standard input.
        'helper' => [startHelper(), answer('WRITE', getmypid() . "\r\n")],
        'answer-error' => put(frame(0, [5], "WRITE$argument\r\n") . frame(FLAG_ERROR, [], "late: $argument")),
        'answer-late-error' => [
            answer('WRITE', "$argument\r\n"), usleep(20_000), send(FLAG_ERROR, [], "late: $argument"),
        ],
        'error-answer' => [send(FLAG_ERROR, [], "early: $argument"), answer('WRITE', "$argument\r\n")],
        'answer-part' => [put(frame(0, [5], "WRITE$argument\r\n") . substr(frame(FLAG_ERROR, [], 'x'), 0, 6)), hang()],
        'orphan' => pcntl_fork() === 0 ? sleep(3600) : exit((int) $argument),
        'eat' => [eat((int) $argument), answer('WRITE', getmypid() . "\r\n")],
        'eat-wait' => [eat(128), awaitFile($argument), answer('WRITE', "released\r\n")],
        'family' => pcntl_fork() === 0 ? sleep(3600) : hang(),
        'print' => [print("$argument\n"), answer('WRITE', "done\r\n")],
        'stray-burn' => [leaveGroup(), burn()],
        'daemon' => [startDaemon(), answer('WRITE', "started\r\n")],
        'daemon-hang' => [startDaemon(), leaveGroup(), hang()],
        // "rpc METHOD ARGUMENT": a call from within the event; its result, or its error, is the answer.
        'rpc' => answer('WRITE', call($argument) . "\r\n"),
        // "rpc-own METHOD": the same about the event's own connection.
        'rpc-own' => answer('WRITE', call("$argument " . json_encode($context['uuid'])) . "\r\n"),
        'adopted' => answer('WRITE', leaveOrphan() . "\r\n"),
        'flood' => [flood((int) $argument), answer('WRITE', "flooded\r\n")],
        'flood-exit' => [flood((int) $argument), exit(0)],
        'stop' => answer('{"stop":true}', ''),
        'stop-once' => @mkdir($argument) ? answer('{"stop":true}', '') : answer('WRITE', getmypid() . "\r\n"),
    };
}

function call(string $order): string
{
    // Only here: tests copy this script without the rest.
    require_once __DIR__ . '/rpc.php';
    $result = str_replace(["\r", "\n"], ['', ' '], rpc(...explode(' ', $order, 2) + [1 => 'null']));
    note(['event' => 'RPC', 'result' => $result]);
    return $result;
}

function startHelper(): void
{
    static $helpers = [];
    $helpers[] = proc_open(['sleep', '3600'], [['pipe', 'r'], STDOUT, STDERR], $pipes);
}

/** Holds so many MiB more from now on. */
function eat(int $size): void
{
    static $eaten = '';
    ini_set('memory_limit', '-1');
    $eaten .= str_repeat('m', $size << 20);
}

/** Leaves the process group that the server has made for it; for the server's own. */
function leaveGroup(): void
{
    posix_setpgid(0, posix_getpgid(posix_getppid())) || exit(9);
}

/** Uses all the processor time there is, and hears nothing. */
function burn(): never
{
    while (true) {
    }
}

/** Starts a process in a session of its own that keeps nothing of the worker's open. */
function startDaemon(): void
{
    $child = pcntl_fork();
    if ($child === 0) {
        posix_setsid();
        fclose(STDIN);
        fclose(STDOUT);
        fclose(STDERR);
        sleep(3600);
        exit(0);
    }
    note(['event' => 'DAEMON', 'pid' => $child]);
}

/** Leaves a process behind whose parent has ended: it ends soon, and somebody has to reap it. */
function leaveOrphan(): int
{
    [$read, $write] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
    $child = pcntl_fork();
    if ($child === 0) {
        $orphan = pcntl_fork();
        if ($orphan !== 0) {
            fwrite($write, "$orphan\n");
            posix_kill(getmypid(), SIGKILL);
        }
        usleep(200_000);
        posix_kill(getmypid(), SIGKILL);
    }
    pcntl_waitpid($child, $status);
    return (int) fgets($read);
}

/** What WORKER_START and WORKER_READY may order. */
function prepare(string $order): void
{
    [$verb, $argument] = explode(' ', $order, 2) + [1 => ''];
    match ($verb) {
        '' => null,
        'sleep' => usleep(1000 * (int) $argument),
        'wait' => awaitFile($argument),
        'hang' => hang(),
        'print' => put("$argument\n"),
        'garbage' => [put("$argument\n"), hang()],
        'exit' => [fwrite(STDERR, "$argument\n"), exit(7)],
        'flood' => flood((int) $argument),
        'rpc' => call($argument),
        // "rendezvous N DIRECTORY": goes on when N workers are here, which never happens when they start in turn.
        'rendezvous' => (function (string $count, string $directory): void {
            touch("$directory/" . getmypid());
            while (count(glob("$directory/*")) < (int) $count) {
                usleep(2000);
            }
        })(...explode(' ', $argument, 2)),
    };
}

prepare((string) getenv('WORKER_START'));

[$flags, , $payload] = receive() ?? exit(0);
if (($flags & FLAG_CONTROL) === 0 || !is_int(json_decode($payload, true)['pid'] ?? null)) {
    fwrite(STDERR, "no handshake but flags $flags and $payload\n");
    exit(8);
}
send(FLAG_CONTROL, [], json_encode(['pid' => getmypid()]));
note(['event' => 'START', 'parent' => posix_getppid()]);

prepare((string) getenv('WORKER_READY'));

while (($frame = receive()) !== null) {
    [$flags, $options, $payload] = $frame;
    if (($flags & FLAG_CONTROL) !== 0 && isset(json_decode($payload, true)['pid'])) {
        // As RoadRunner's own PHP client does: it waits for its next request, and says so.
        match (getenv('WORKER_CONTROL') ?: 'reply') {
            'reply' => send(FLAG_CONTROL, [], json_encode(['pid' => getmypid()])),
            'ignore' => null,
            'exit' => exit(0),
        };
        continue;
    }
    if (($flags & FLAG_CONTROL) !== 0) {
        note(['event' => 'STOP', 'control' => $payload]);
        if (getenv('WORKER_STOP') === 'hang') {
            sleep(3600);
        }
        // RoadRunner's own PHP client does this: it answers a stop as if it had been a request.
        answer('CLOSE', '');
        exit(0);
    }

    $header = substr($payload, 0, $options[0]);
    $body = substr($payload, $options[0]);
    $context = json_decode($header, true, 4, JSON_THROW_ON_ERROR);
    note($context + [
        'length' => strlen($body), 'sha256' => hash('sha256', $body), 'tail' => bin2hex(substr($body, -4)),
        'options' => count($options), 'flags' => $flags,
    ]);

    $order = (string) match ($context['event']) {
        'CONNECTED' => getenv('WORKER_CONNECTED') ?: 'continue',
        'DATA' => getenv('WORKER_DATA') ?: rtrim(substr($body, 0, 1000), "\r\n"),
        'CLOSE' => getenv('WORKER_CLOSE') ?: 'close',
    };
    [$verb, $argument] = explode(' ', $order, 2) + [1 => ''];
    obey(in_array($verb, VERBS, true) ? $verb : 'echo', $argument, $context, $header, $body);
}
