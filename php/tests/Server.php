<?php

declare(strict_types=1);

namespace RR\Tests;

use RR\Rpc;

/**
 * A server with the storages `test` and `small`, two workers and all that the package has calls for. Connections to
 * `frames` do not use the RPC.
 */
final class Server
{
    /** Seconds. What does not happen within them does not happen. */
    public const PATIENCE = 60.0;

    private static self|\Throwable|null $shared = null;

    public readonly string $directory;
    public readonly string $address;
    public readonly string $frames;
    public readonly string $metrics;
    /** @var resource */
    private $process;
    /** Where its RPC listens. */
    public readonly string $rpc;

    /** One for all tests that do not stop it. */
    public static function shared(): self
    {
        if (self::$shared === null) {
            register_shutdown_function(static function (): void {
                self::$shared = null;
            });
            try {
                self::$shared = new self();
            } catch (\Throwable $error) {
                self::$shared = $error;
            }
        }
        return self::$shared instanceof self ? self::$shared : throw self::$shared;
    }

    /**
     * @param string|null $listen of its RPC, with `PORT` for a free one; null: a unix socket
     * @param string      $worker the script of its workers, in this directory
     */
    public function __construct(?string $listen = null, string $worker = 'worker.php')
    {
        $this->directory = sys_get_temp_dir() . '/rr-php-' . bin2hex(random_bytes(6));
        mkdir($this->directory, 0700);
        [$this->address, $this->frames, $this->metrics, $free] = self::freeAddresses(4);
        $this->rpc = str_replace('PORT', explode(':', $free)[1], $listen ?? "unix://$this->directory/rpc.sock");
        $command = json_encode([PHP_BINARY, __DIR__ . "/$worker"]);
        file_put_contents("$this->directory/.rr.yaml", <<<YAML
            version: "3"
            server: {command: $command}
            rpc: {listen: "$this->rpc"}
            kv:
              test: {driver: memory, config: {}}
              small: {driver: memory, config: {max_items: 2}}
            metrics: {address: $this->metrics}
            logs: {mode: production, level: debug}
            endure: {drain_idle: 100ms}
            tcp:
              servers:
                main: {addr: $this->address}
                frames: {addr: $this->frames}
              pool: {num_workers: 2}

            YAML);
        $output = ['file', "$this->directory/log", 'w'];
        $this->process = proc_open([self::binary(), 'serve', '-c', "$this->directory/.rr.yaml"], [
            ['file', '/dev/null', 'r'], $output, $output,
        ], $pipes);
        self::await('the server to listen', function (): bool {
            if (!proc_get_status($this->process)['running']) {
                throw new \RuntimeException("the server does not start:\n" . substr($this->log(), -2000));
            }
            return @stream_socket_client("tcp://$this->address") !== false;
        });
    }

    public function __destruct()
    {
        $this->stop();
        array_map(unlink(...), glob("$this->directory/{,.}[!.]*", GLOB_BRACE));
        rmdir($this->directory);
    }

    /** Ends it, and waits for that. */
    public function stop(): void
    {
        if ($this->process !== null) {
            proc_terminate($this->process);
            proc_close($this->process);
            $this->process = null;
        }
    }

    public function rpc(): Rpc
    {
        return new Rpc($this->rpc);
    }

    public function log(): string
    {
        return file_get_contents("$this->directory/log");
    }

    /** The lines of /metrics that begin so. */
    public function metrics(string $start): array
    {
        $lines = explode("\n", file_get_contents("http://$this->metrics/metrics"));
        return array_values(array_filter($lines, fn (string $line): bool => str_starts_with($line, $start)));
    }

    /** @return resource a connection of a client, to the server `main` if no other address is given */
    public function client(?string $address = null)
    {
        $client = stream_socket_client('tcp://' . ($address ?? $this->address));
        stream_set_timeout($client, (int) self::PATIENCE);
        return $client;
    }

    /**
     * Asks until it is so.
     *
     * @param callable(): bool $condition
     */
    public static function await(string $what, callable $condition): void
    {
        $until = microtime(true) + self::PATIENCE;
        while (!$condition()) {
            if (microtime(true) > $until) {
                throw new \RuntimeException("waited in vain for $what");
            }
            usleep(5000);
        }
    }

    private static function binary(): string
    {
        $build = dirname(__DIR__, 2) . '/.build';
        foreach ([getenv('RR_BINARY'), "$build/release/rr", "$build/debug/rr"] as $path) {
            if ($path && is_executable($path)) {
                return $path;
            }
        }
        throw new \RuntimeException("no rr in $build: build it (make release), or set RR_BINARY to its path");
    }

    /** @return list<string> */
    private static function freeAddresses(int $count): array
    {
        $sockets = [];
        while (count($sockets) < $count) {
            $sockets[] = stream_socket_server('tcp://127.0.0.1:0');
        }
        return array_map(fn ($socket): string => stream_socket_get_name($socket, false), $sockets);
    }
}
