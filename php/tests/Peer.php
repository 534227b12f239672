<?php

declare(strict_types=1);

namespace RR\Tests;

/**
 * A server of which a test says, connection by connection, what it does: `['read', frames]`, `['skip', frames]` without
 * telling them, `['write', hexadecimal digits]`, `['fill', replies]`, `['await-end', null]`. It closes each at the end.
 */
final class Peer
{
    public readonly string $address;
    /** @var resource */
    private $process;
    /** @var resource */
    private $output;

    /** @param list<list<array{string, mixed}>> $connections */
    public function __construct(array $connections, string $address = 'tcp://127.0.0.1:0')
    {
        $script = tmpfile();
        fwrite($script, json_encode($connections, JSON_THROW_ON_ERROR));
        rewind($script);
        $command = [PHP_BINARY, __DIR__ . '/peer.php', $address];
        $this->process = proc_open($command, [$script, ['pipe', 'w'], STDERR], $pipes);
        $this->output = $pipes[1];
        $this->address = $this->line();
    }

    /** The next line: a frame as hexadecimal digits, or `closed` when the connection is. */
    public function line(): string
    {
        return rtrim((string) fgets($this->output));
    }

    public function __destruct()
    {
        proc_terminate($this->process, SIGKILL);
        proc_close($this->process);
    }
}
