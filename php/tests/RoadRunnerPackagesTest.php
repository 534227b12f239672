<?php

declare(strict_types=1);

namespace RR\Tests;

use PHPUnit\Framework\TestCase;
use RoadRunner\Lock\Lock;
use RoadRunner\Lock\LockIdGeneratorInterface;
use RoadRunner\Logger\Logger;
use RR\KeyValue;
use Spiral\Goridge\Relay;
use Spiral\Goridge\RPC\Exception\ServiceException;
use Spiral\Goridge\RPC\RPC;
use Spiral\RoadRunner\KeyValue\Factory;
use Spiral\RoadRunner\Metrics\Collector;
use Spiral\RoadRunner\Metrics\Metrics;

/**
 * RoadRunner's own packages against the real binary, where the directory ROADRUNNER_PHP has them: spiral/roadrunner-tcp,
 * -kv and -metrics, roadrunner-php/lock and app-logger, as Composer installs them.
 */
final class RoadRunnerPackagesTest extends TestCase
{
    private Server $server;
    private RPC $rpc;

    protected function setUp(): void
    {
        $directory = getenv('ROADRUNNER_PHP');
        if (!$directory) {
            self::markTestSkipped('no ROADRUNNER_PHP: RoadRunner\'s own packages are not tested');
        }
        require_once "$directory/vendor/autoload.php";
        $this->server = Server::shared();
        $this->rpc = new RPC(Relay::create($this->server->rpc));
    }

    public function testStorage(): void
    {
        $storage = (new Factory($this->rpc))->select('test');
        self::assertTrue($storage->clear());
        self::assertTrue($storage->set('key', ['a' => "\0\xFF"], 100));
        self::assertSame(['a' => "\0\xFF"], $storage->get('key'));
        self::assertEqualsWithDelta(time() + 100, $storage->getTtl('key')->getTimestamp(), 60);
        self::assertTrue($storage->setMultiple(['one' => 1, 'two' => 2.5]));
        self::assertNull($storage->getTtl('one'));
        self::assertSame(['one' => 1, 'none' => 'default', 'two' => 2.5],
            iterator_to_array($storage->getMultiple(['one', 'none', 'two'], 'default')));
        self::assertSame(['key', 'none'], array_keys(iterator_to_array($storage->getMultipleTtl(['key', 'none']))));
        self::assertTrue($storage->has('one'));
        self::assertTrue($storage->delete('one'));
        self::assertFalse($storage->has('one'));
        self::assertTrue($storage->deleteMultiple(['two', 'none']));
        self::assertNull($storage->get('two'));
        // What this package writes is read by the other one, and the other way round.
        (new KeyValue($this->server->rpc(), 'test'))->set('ours', [1, null]);
        self::assertSame([1, null], $storage->get('ours'));
        self::assertSame(['a' => "\0\xFF"], (new KeyValue($this->server->rpc(), 'test'))->get('key'));
        self::assertTrue($storage->clear());
        self::assertFalse($storage->has('key'));

        $this->expectExceptionMessage('Storage "nowhere" has not been defined');
        (new Factory($this->rpc))->select('nowhere')->set('key', 1);
    }

    public function testLock(): void
    {
        $lock = new Lock($this->rpc, new class () implements LockIdGeneratorInterface {
            public function generate(): string
            {
                return 'generated';
            }
        });
        self::assertSame('generated', $lock->lock('official'));
        self::assertFalse($lock->lock('official', 'other'));
        self::assertTrue($lock->exists('official'));
        self::assertTrue($lock->exists('official', 'generated'));
        self::assertFalse($lock->exists('official', 'other'));
        self::assertFalse($lock->release('official', 'other'));
        self::assertTrue($lock->updateTTL('official', 'generated', 100));
        self::assertTrue($lock->release('official', 'generated'));
        self::assertSame('first', $lock->lockRead('official', 'first', ttl: 10, waitTTL: 1));
        self::assertSame('second', $lock->lockRead('official', 'second'));
        self::assertFalse($lock->lock('official', waitTTL: 0.01));
        self::assertTrue($lock->forceRelease('official'));
        self::assertFalse($lock->exists('official'));
    }

    public function testMetrics(): void
    {
        $metrics = new Metrics($this->rpc);
        $metrics->declare('official_total', Collector::counter()->withHelp('Help.')->withLabels('way'));
        $metrics->add('official_total', 2, ['in']);
        $metrics->declare('official_gauge', Collector::gauge());
        $metrics->set('official_gauge', 10);
        $metrics->sub('official_gauge', 3);
        $metrics->declare('official_seconds', Collector::histogram(0.5, 1.0));
        $metrics->observe('official_seconds', 0.75);
        self::assertSame(['official_total{way="in"} 2'], $this->server->metrics('official_total{'));
        self::assertSame(['official_gauge 7'], $this->server->metrics('official_gauge '));
        self::assertSame(['official_seconds_sum 0.75'], $this->server->metrics('official_seconds_sum'));
        $metrics->unregister('official_gauge');
        self::assertSame([], $this->server->metrics('official_gauge'));
        $this->expectExceptionMessage('undefined collector official_gauge');
        $metrics->add('official_gauge', 1);
    }

    public function testLogger(): void
    {
        $logger = new Logger($this->rpc);
        $logger->info('official information');
        $logger->error('official error', ['uuid' => 'u', 'count' => 3]);
        $logger->log("official raw\n");
        Server::await('the lines', fn (): bool => str_contains($this->server->log(), 'official raw'));
        [$info, $error, $raw] = array_values(preg_grep('/official/', explode("\n", $this->server->log())));
        self::assertSame('info', json_decode($info, true)['level']);
        ['level' => $level, 'uuid' => $uuid, 'count' => $count] = json_decode($error, true);
        self::assertSame(['error', 'u', '3'], [$level, $uuid, $count]);
        self::assertSame('official raw', $raw);
    }

    public function testCallsThatFail(): void
    {
        self::assertIsString($this->rpc->call('rpc.Version', true));
        $this->expectException(ServiceException::class);
        $this->expectExceptionMessage("can't find method kv.Foo");
        $this->rpc->call('kv.Foo', null);
    }

    public function testWorkerSaysWhereThePacketEnds(): void
    {
        $server = new Server(worker: 'roadrunner.php');
        $client = $server->client();
        foreach (
            [
                ["WRITE;need=5\r\n", 'abcde', 'abcde'],
                ["WRITE;until=%25%0D%0A;keep=2\r\n", ".\r\n%\r\n", "\r\n.\r\n%\r\n"],
                ["WRITE;wrong=1\r\n", "as ever\r\n", "as ever\r\n"],
            ] as [$action, $sent, $packet]
        ) {
            fwrite($client, $action);
            self::assertSame("ready\r\n", fgets($client));
            fwrite($client, $sent);
            self::assertSame(bin2hex($packet) . "\r\n", fgets($client));
        }
        self::assertStringContainsString('`wrong` is no parameter', $server->log());
    }
}
