<?php

declare(strict_types=1);

namespace RR\Tests;

use PHPUnit\Framework\TestCase;
use RR\Lock;
use RR\Rpc;
use RR\Rpc\ServerException;

final class LockTest extends TestCase
{
    private Lock $lock;
    private string $name;

    protected function setUp(): void
    {
        $this->lock = new Lock(Server::shared()->rpc());
        $this->name = $this->getName();
    }

    protected function tearDown(): void
    {
        if (isset($this->lock)) {
            $this->lock->forceRelease($this->name);
        }
    }

    public function testLockedForOne(): void
    {
        $id = $this->lock->lock($this->name);
        self::assertMatchesRegularExpression('/^[0-9a-f]{32}$/', $id);
        self::assertFalse($this->lock->lock($this->name));
        self::assertFalse($this->lock->lockRead($this->name));
        self::assertTrue($this->lock->exists($this->name));
        self::assertTrue($this->lock->exists($this->name, $id));
        self::assertFalse($this->lock->exists($this->name, 'another'));
        self::assertFalse($this->lock->release($this->name, 'another'));
        self::assertTrue($this->lock->release($this->name, $id));
        self::assertFalse($this->lock->release($this->name, $id));
        self::assertFalse($this->lock->exists($this->name));
        self::assertSame('mine', $this->lock->lock($this->name, 'mine'));
    }

    public function testLockedForMany(): void
    {
        self::assertSame('a', $this->lock->lockRead($this->name, 'a'));
        self::assertSame('b', $this->lock->lockRead($this->name, 'b'));
        self::assertFalse($this->lock->lock($this->name, 'c'));
        self::assertTrue($this->lock->forceRelease($this->name));
        self::assertFalse($this->lock->forceRelease($this->name));
        self::assertSame('c', $this->lock->lock($this->name, 'c'));
    }

    public function testWaits(): void
    {
        $this->lock->lock($this->name, 'first', ttl: 0.2);
        self::assertSame('second', $this->lock->lock($this->name, 'second', wait: 60));
        self::assertFalse($this->lock->lock($this->name, 'third', wait: 0.05));
    }

    public function testTtl(): void
    {
        $this->lock->lock($this->name, 'id', ttl: 3600);
        self::assertFalse($this->lock->updateTtl($this->name, 'another', 1));
        self::assertTrue($this->lock->updateTtl($this->name, 'id', 0.05));
        Server::await('the lock to end', fn (): bool => !$this->lock->exists($this->name));
    }

    /** @dataProvider times */
    public function testTimes(int|float|\DateInterval $time, string $bytes): void
    {
        $reply = '15800b00000018053e84000001000000090000006c6f636b2e4c6f636b0801';
        $peer = new Peer([[['read', 1], ['write', $reply]]]);
        self::assertSame('i', (new Lock(new Rpc($peer->address)))->lock('r', 'i', ttl: $time, wait: 0));
        self::assertStringEndsWith("0a0172120169{$bytes}2000", $peer->line());
    }

    public function times(): array
    {
        $fraction = new \DateInterval('PT1S');
        $fraction->f = 0.5;
        return [
            [0, '1800'], [10, '1880ade204'], [0.000_001, '1801'], [1.5, '18e0c65b'],
            [new \DateInterval('PT10S'), '1880ade204'],
            'minutes count' => [new \DateInterval('PT1M'), '18808ece1c'],
            'days count' => [new \DateInterval('P1D'), '1880c0ddeec102'],
            'fractions count' => [$fraction, '18e0c65b'],
        ];
    }

    public function testTimeBelowZero(): void
    {
        $this->expectException(\InvalidArgumentException::class);
        $this->lock->lock($this->name, ttl: -1);
    }

    public function testNoId(): void
    {
        $this->expectException(ServerException::class);
        $this->expectExceptionMessage('empty ID is not allowed');
        $this->lock->lock($this->name, '');
    }
}
