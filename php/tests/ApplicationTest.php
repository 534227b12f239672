<?php

declare(strict_types=1);

namespace RR\Tests;

use PHPUnit\Framework\TestCase;
use RR\Connections;
use RR\KeyValue;
use RR\Logger;
use RR\Metrics;
use RR\Rpc;
use RR\Rpc\ServerException;
use RR\WorkerPool;

/** Metrics, the log, workers and connections. */
final class ApplicationTest extends TestCase
{
    private Server $server;

    protected function setUp(): void
    {
        $this->server = Server::shared();
    }

    public function testMetrics(): void
    {
        $metrics = new Metrics($this->server->rpc());
        for ($i = 0; $i < 2; $i++) {
            $metrics->declare('mails', Metrics::COUNTER, 'Mails.', ['way'], namespace: 'app', subsystem: 'smtp');
            $metrics->declare('clients', Metrics::GAUGE);
            $metrics->declare('seconds', Metrics::HISTOGRAM, buckets: [0.5, 1]);
            $metrics->declare('bytes', Metrics::SUMMARY, objectives: ['0.5' => 0.05]);
        }
        $metrics->add('app_smtp_mails', 2, ['in']);
        $metrics->add('app_smtp_mails', 0.5, ['in']);
        $metrics->set('clients', 10);
        $metrics->add('clients', 5);
        $metrics->sub('clients');
        $metrics->observe('seconds', 0.75);
        $metrics->observe('bytes', 100);
        self::assertSame(['app_smtp_mails{way="in"} 2.5'], $this->server->metrics('app_smtp_mails{'));
        self::assertSame(['clients 14'], $this->server->metrics('clients '));
        self::assertSame(
            ['seconds_bucket{le="0.5"} 0', 'seconds_bucket{le="1"} 1', 'seconds_bucket{le="+Inf"} 1'],
            $this->server->metrics('seconds_bucket'),
        );
        self::assertSame(['bytes_count 1'], $this->server->metrics('bytes_count'));
        $metrics->unregister('clients');
        self::assertSame([], $this->server->metrics('clients'));
        $this->expectException(ServerException::class);
        $this->expectExceptionMessage('undefined collector clients');
        $metrics->add('clients');
    }

    public function testNumbersThatAreNone(): void
    {
        $this->expectException(\JsonException::class);
        (new Metrics($this->server->rpc()))->set('clients', NAN);
    }

    public function testLog(): void
    {
        $logger = new Logger($this->server->rpc());
        $logger->debug('plain text');
        $context = ['who' => 'eve', 'what' => "\xff", 'list' => [1, 'a/b'], 'when' => null];
        $logger->critical('{who} said "{what}"', $context);
        $logger->log('warning', new class () {
            public function __toString(): string
            {
                return 'an object';
            }
        });
        $logger->raw("raw text\n");
        Server::await('the lines', fn (): bool => str_contains($this->server->log(), 'raw text'));
        $lines = array_values(array_filter(
            explode("\n", $this->server->log()),
            fn (string $line): bool => (bool) preg_match('/plain text|said|an object|raw text/', $line),
        ));
        self::assertCount(4, $lines);
        $fields = array_map(fn (string $line): ?array => json_decode($line, true), $lines);
        self::assertSame(['debug', 'error', 'warn'], array_column(array_slice($fields, 0, 3), 'level'));
        self::assertStringContainsString("eve said \\\"\u{FFFD}\\\"", $lines[1]);
        self::assertStringContainsString('"severity":"critical"', $lines[1]);
        self::assertSame('raw text', $lines[3]);
        $this->expectException(\InvalidArgumentException::class);
        $logger->log('loud', 'text');
    }

    public function testALineIsNotLostWithTheServer(): void
    {
        $path = tempnam(sys_get_temp_dir(), 'rr-php-');
        $before = [ini_set('error_log', $path), ini_set('log_errors', '1')];
        (new Logger(new Rpc('unix:///nowhere')))->notice('nobody listens', ['a' => 1]);
        ini_set('error_log', (string) $before[0]);
        ini_set('log_errors', (string) $before[1]);
        self::assertStringContainsString(
            'notice: nobody listens {"a":"1","severity":"notice"} (RPC at unix:///nowhere',
            file_get_contents($path),
        );
        unlink($path);
    }

    public function testVersion(): void
    {
        self::assertMatchesRegularExpression('/^\d{4}\.\d+\.\d+/', $this->server->rpc()->version());
    }

    public function testWorkers(): void
    {
        $pool = new WorkerPool($this->server->rpc());
        $workers = $pool->workers();
        self::assertCount(2, $workers);
        self::assertContains($workers[0]->status, ['ready', 'working']);
        self::assertTrue(posix_kill($workers[0]->pid, 0));
        self::assertGreaterThan(1_000_000, $workers[0]->memoryBytes);
        self::assertEqualsWithDelta(time(), $workers[0]->created / 1e9, 3600);
        $pool->addWorker();
        self::assertCount(3, $pool->workers());
        $pool->removeWorker();
        Server::await('a worker to end', fn (): bool => count($pool->workers()) === 2);
        $before = array_column($pool->workers(), 'pid');
        $pool->reset();
        foreach ($pool->workers() as $worker) {
            self::assertTrue($worker->status === 'stopping' || !in_array($worker->pid, $before, true));
        }
        self::assertSame([], (new WorkerPool($this->server->rpc(), 'none'))->workers());
        $this->expectException(ServerException::class);
        (new WorkerPool($this->server->rpc(), 'none'))->reset();
    }

    public function testFromWithinAnEvent(): void
    {
        self::assertStringContainsString('the worker boots', $this->server->log());
        $storage = new KeyValue($this->server->rpc(), 'test');
        $client = $this->server->client();
        fwrite($client, "hello\r\n");
        [$lines, $uuid] = explode(' ', rtrim(fgets($client)));
        self::assertSame('1', $lines);
        self::assertSame(1, $storage->get($uuid));

        fwrite($client, "reset\r\n");
        [$lines, $same, $pid] = explode(' ', rtrim(fgets($client)));
        self::assertSame(['2', $uuid], [$lines, $same]);
        $pool = new WorkerPool($this->server->rpc());
        Server::await('the worker to be replaced', function () use ($pool, $pid): bool {
            return !in_array((int) $pid, array_column($pool->workers(), 'pid'));
        });
        self::assertContains('lines_total{what="reset"} 1', $this->server->metrics('lines_total'));

        fwrite($client, "close\r\n");
        self::assertFalse(fgets($client));
        Server::await('the CLOSE', fn (): bool => !$storage->has($uuid));
    }

    /** @dataProvider addresses */
    public function testOverTcpAndUntilTheEnd(string $listen): void
    {
        $server = new Server($listen);
        $client = $server->client();
        fwrite($client, "hello\r\n");
        $uuid = explode(' ', fgets($client))[1];
        self::assertSame(1, (new KeyValue($server->rpc(), 'test'))->get($uuid));
        // The CLOSE of this connection comes at the very end, and its handler makes a call.
        $server->stop();
        self::assertSame('', fread($client, 1));
        self::assertStringNotContainsString('Exception', $server->log());
    }

    public function addresses(): array
    {
        return [['tcp://127.0.0.1:PORT'], ['tcp://:PORT'], ['tcp://[::1]:PORT']];
    }

    public function testCloseFromElsewhere(): void
    {
        $connections = new Connections($this->server->rpc());
        $client = $this->server->client();
        fwrite($client, "hello\r\n");
        $uuid = explode(' ', fgets($client))[1];
        $connections->close($uuid);
        self::assertFalse(fgets($client));
        self::assertTrue(feof($client));
        $connections->close($uuid);
        $connections->close('6ba7b810-9dad-41d1-80b4-00c04fd430c8');
    }
}
