<?php

declare(strict_types=1);

namespace RR\Tests;

use PHPUnit\Framework\TestCase;
use RR\KeyValue;
use RR\KeyValue\InvalidArgumentException;
use RR\KeyValue\KeyValueException;

final class KeyValueTest extends TestCase
{
    private KeyValue $storage;

    protected function setUp(): void
    {
        $this->storage = new KeyValue(Server::shared()->rpc(), 'test');
        $this->storage->clear();
    }

    /** @dataProvider values */
    public function testValuesComeBack(mixed $value): void
    {
        self::assertTrue($this->storage->set('key', $value));
        self::assertEquals($value, $this->storage->get('key', 'default'));
        self::assertSame(gettype($value), gettype($this->storage->get('key')));
        self::assertEquals(['key' => $value], $this->storage->getMultiple(['key'], 'default'));
    }

    public function values(): array
    {
        $object = new \ArrayObject(['a' => 1]);
        return [
            [null], [false], [true], [0], [-1], [PHP_INT_MIN], [1.5], [''], ['0'], ['text'], ["\0\xff\n"], [[]],
            [['a' => [1, 2]]], [$object], [new \DateTimeImmutable('2026-01-01T00:00:00Z')], [str_repeat('x', 125)],
            [str_repeat('y', 1023)], [str_repeat('z', 1024)], [str_repeat("\0", 16_384)], [random_bytes(3_000_000)],
        ];
    }

    public function testKeyWithoutValue(): void
    {
        self::assertNull($this->storage->get('key'));
        self::assertSame('default', $this->storage->get('key', 'default'));
        self::assertFalse($this->storage->has('key'));
        self::assertTrue($this->storage->delete('key'));
        self::assertNull($this->storage->getTtl('key'));
        self::assertSame([], $this->storage->getMultiple([]));
        self::assertTrue($this->storage->setMultiple([]));
        self::assertTrue($this->storage->deleteMultiple([]));
    }

    public function testManyKeys(): void
    {
        self::assertTrue($this->storage->setMultiple(['a' => 1, 'b' => false, '17' => 'int']));
        $values = $this->storage->getMultiple(['b', 'x', '17', 'a'], '-');
        self::assertSame(['b' => false, 'x' => '-', 17 => 'int', 'a' => 1], $values);
        self::assertTrue($this->storage->deleteMultiple(new \ArrayIterator(['a', 'x', '17'])));
        self::assertFalse($this->storage->has('a'));
        self::assertTrue($this->storage->has('b'));
        self::assertTrue($this->storage->clear());
        self::assertFalse($this->storage->has('b'));
    }

    /** @dataProvider lengths */
    public function testKeysOfAllLengths(int $length): void
    {
        $key = str_repeat('k', $length);
        $this->storage->set($key, $length);
        self::assertSame($length, $this->storage->get($key));
        self::assertTrue($this->storage->has($key));
        self::assertSame([$key => $length], $this->storage->getMultiple([$key]));
        $this->storage->delete($key);
        self::assertNull($this->storage->get($key));
    }

    public function lengths(): array
    {
        return [[1], [64], [123], [124], [127], [128], [1000]];
    }

    /** @dataProvider badKeys */
    public function testKeysThatCannotBe(string $key): void
    {
        foreach ([
            fn () => $this->storage->get($key),
            fn () => $this->storage->set($key, 1),
            fn () => $this->storage->set($key, 1, 0),
            fn () => $this->storage->delete($key),
            fn () => $this->storage->has($key),
            fn () => $this->storage->getMultiple(['a', $key]),
            fn () => $this->storage->setMultiple([$key => 1]),
            fn () => $this->storage->deleteMultiple([$key]),
            fn () => $this->storage->add($key, 1),
            fn () => $this->storage->increment($key),
            fn () => $this->storage->getTtl($key),
        ] as $call) {
            try {
                $call();
                self::fail('taken');
            } catch (InvalidArgumentException $error) {
                self::assertStringContainsString("key '$key': want", $error->getMessage());
            }
        }
    }

    public function badKeys(): array
    {
        return [[''], [' '], ['{a'], ['a}'], ['(a'], ['a)'], ['a/b'], ['a\\b'], ['a@b'], ['a:b']];
    }

    public function testKeysThatAreNoStrings(): void
    {
        $this->expectException(InvalidArgumentException::class);
        $this->storage->getMultiple([1.5]);
    }

    public function testExpiry(): void
    {
        $soon = new \DateInterval('PT0S');
        $soon->f = 0.05;
        $this->storage->set('soon', 1, $soon);
        $this->storage->set('later', 1, 3600);
        $this->storage->set('interval', 1, new \DateInterval('P1DT1H'));
        $this->storage->set('never', 1);
        $this->storage->set('far', 1, PHP_INT_MAX);
        self::assertEqualsWithDelta(time() + 3600, $this->storage->getTtl('later')->getTimestamp(), 30);
        self::assertEqualsWithDelta(time() + 90_000, $this->storage->getTtl('interval')->getTimestamp(), 30);
        self::assertNull($this->storage->getTtl('never'));
        self::assertNull($this->storage->getTtl('far'));
        Server::await('the key to expire', fn (): bool => !$this->storage->has('soon'));
        self::assertNull($this->storage->get('soon'));
        self::assertTrue($this->storage->has('later'));
    }

    public function testExpiryOfTheWholeSecondIsNotEarly(): void
    {
        // A whole second, not what is left of the present one.
        usleep(max(0, 950_000 - (int) (1e6 * fmod(microtime(true), 1))));
        $this->storage->set('key', 1, 1);
        $start = hrtime(true);
        Server::await('the key to expire', fn (): bool => !$this->storage->has('key'));
        self::assertGreaterThan(0.9e9, hrtime(true) - $start);
    }

    public function testExpiryNowIsDeletion(): void
    {
        $past = (new \DateTime('2026-01-02'))->diff(new \DateTime('2026-01-01'));
        foreach ([0, -1, new \DateInterval('PT0S'), $past] as $ttl) {
            $this->storage->setMultiple(['a' => 1, 'b' => 2, 'c' => 3]);
            self::assertTrue($this->storage->set('a', 1, $ttl));
            self::assertTrue($this->storage->setMultiple(['b' => 1], $ttl));
            self::assertSame(['a' => null, 'b' => null, 'c' => 3], $this->storage->getMultiple(['a', 'b', 'c']));
        }
    }

    public function testSetReplacesTheExpiry(): void
    {
        $this->storage->set('key', 1, 3600);
        $this->storage->set('key', 2);
        self::assertNull($this->storage->getTtl('key'));
    }

    public function testAdd(): void
    {
        self::assertTrue($this->storage->add('key', 'first', 3600));
        self::assertFalse($this->storage->add('key', 'second'));
        self::assertSame('first', $this->storage->get('key'));
        self::assertNotNull($this->storage->getTtl('key'));
        self::assertFalse($this->storage->add('key', 'third', 0));
        self::assertTrue($this->storage->add('other', 'third', 0));
        self::assertFalse($this->storage->has('other'));
        self::assertTrue($this->storage->add('large', str_repeat('x', 5000)));
        self::assertSame(str_repeat('x', 5000), $this->storage->get('large'));
    }

    public function testIncrement(): void
    {
        self::assertSame(1, $this->storage->increment('counter', ttl: 3600));
        self::assertSame(11, $this->storage->increment('counter', 10));
        self::assertNotNull($this->storage->getTtl('counter'));
        self::assertSame(-4, $this->storage->increment('counter', -15));
        self::assertSame(-4, $this->storage->get('counter'));
        self::assertSame(['counter' => -4], $this->storage->getMultiple(['counter']));
        self::assertSame(PHP_INT_MIN, $this->storage->increment('least', PHP_INT_MIN));
        self::assertSame(0, $this->storage->increment('none', 0));
        $this->expectException(KeyValueException::class);
        $this->storage->increment('least', -1);
    }

    public function testIncrementOfAnotherValue(): void
    {
        $this->storage->set('key', 1);
        try {
            $this->storage->increment('key');
            self::fail('taken');
        } catch (KeyValueException) {
            self::assertSame(1, $this->storage->get('key'));
        }
    }

    public function testIncrementThatExpiresAtOnce(): void
    {
        $this->expectException(InvalidArgumentException::class);
        $this->storage->increment('key', ttl: 0);
    }

    public function testStrings(): void
    {
        $strings = new KeyValue(Server::shared()->rpc(), 'test', serialize: false);
        foreach (['', 'text', "\0\xff", str_repeat('x', 100_000), '12'] as $value) {
            $strings->set('key', $value);
            self::assertSame($value, $strings->get('key'));
            self::assertSame(['key' => $value], $strings->getMultiple(['key']));
        }
        self::assertSame(13, $strings->increment('key'));
        self::assertSame('13', $strings->get('key'));
        $this->storage->set('other', [1]);
        self::assertSame('a:1:{i:0;i:1;}', $strings->get('other'));
        $strings->set('other', 'not serialized');
        try {
            $this->storage->get('other');
            self::fail('taken');
        } catch (KeyValueException $error) {
            self::assertStringContainsString("key 'other' is not what serialize() writes", $error->getMessage());
        }
        $this->expectException(InvalidArgumentException::class);
        $strings->set('key', 1);
    }

    public function testRefusals(): void
    {
        $none = new KeyValue(Server::shared()->rpc(), 'none');
        try {
            $none->get('key');
            self::fail('answered');
        } catch (KeyValueException $error) {
            self::assertSame('kv.MGet: rpc_mget: no such storage: none', $error->getMessage());
        }
        // Keys are text.
        $this->expectException(KeyValueException::class);
        $this->storage->set("\xff", 1);
    }

    public function testAFullStorageRefuses(): void
    {
        $small = new KeyValue(Server::shared()->rpc(), 'small');
        $small->setMultiple(['a' => 1, 'b' => 2]);
        try {
            $small->set('c', 3);
            self::fail('taken');
        } catch (KeyValueException) {
            self::assertSame(['a' => 1, 'b' => 2, 'c' => null], $small->getMultiple(['a', 'b', 'c']));
        }
    }

    public function testNoIncrementOfManyProcessesIsLost(): void
    {
        $code = 'require $argv[1]; $s = new RR\KeyValue(new RR\Rpc($argv[2]), "test"); $added = 0;'
            . 'for ($i = 0; $i < 200; $i++) { $s->increment("sum"); $added += (int) $s->add("only-$i", 1); }'
            . 'echo $added;';
        $processes = $outputs = [];
        for ($i = 0; $i < 4; $i++) {
            $command = [PHP_BINARY, '-r', $code, dirname(__DIR__) . '/autoload.php', Server::shared()->rpc];
            $processes[] = proc_open($command, [['file', '/dev/null', 'r'], ['pipe', 'w'], STDERR], $pipes);
            $outputs[] = $pipes[1];
        }
        self::assertSame(200, array_sum(array_map(fn ($output): int => (int) stream_get_contents($output), $outputs)));
        self::assertSame([0, 0, 0, 0], array_map(proc_close(...), $processes));
        self::assertSame(800, $this->storage->get('sum'));
    }
}
