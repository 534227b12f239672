<?php

declare(strict_types=1);

namespace RR\Tests;

use PHPUnit\Framework\TestCase;
use RR\Rpc;
use RR\Rpc\Address;
use RR\Rpc\ConnectionException;
use RR\Rpc\ServerException;
use RR\Rpc\TimeoutException;

/** Calls on connections that do as a test wants: what a server seldom does. */
final class RpcTest extends TestCase
{
    /** A reply as hexadecimal digits. */
    private static function reply(int $id, string $result, int $flags = Rpc::JSON, string $method = 'a.B'): string
    {
        $start = pack('CCV', 0x15, $flags, strlen($method) + strlen($result));
        return bin2hex($start . pack('VvVV', crc32($start), 0, $id, strlen($method)) . $method . $result);
    }

    /** @dataProvider addresses */
    public function testAddress(string $address, string $target): void
    {
        self::assertSame($target, Address::target($address));
    }

    public function addresses(): array
    {
        return [
            ['tcp://127.0.0.1:6001', 'tcp://127.0.0.1:6001'],
            ['tcp://:6001', 'tcp://127.0.0.1:6001'],
            ['tcp://0.0.0.0:6001', 'tcp://127.0.0.1:6001'],
            ['tcp://[::]:6001', 'tcp://[::1]:6001'],
            ['tcp://[fe80::1%lo]:6001', 'tcp://[fe80::1%lo]:6001'],
            ['tcp://fe80::1:6001', 'tcp://[fe80::1]:6001'],
            ['tcp://rpc.example.org:1', 'tcp://rpc.example.org:1'],
            ['unix:///run/rr.sock', 'unix:///run/rr.sock'],
            ['unix://rr.sock', 'unix://rr.sock'],
        ];
    }

    /** @dataProvider noAddresses */
    public function testNoAddress(string $address): void
    {
        $this->expectException(\InvalidArgumentException::class);
        $this->expectExceptionMessage("RPC address '$address': want tcp://host:port");
        new Rpc($address);
    }

    public function noAddresses(): array
    {
        return [
            [''], ['127.0.0.1:6001'], ['tcp://127.0.0.1'], ['unix://'], ['http://a:1'], ['tcp://[::1:6001'],
            ["tcp://a:1\n"],
        ];
    }

    public function testAddressOfTheServerThatHasStartedIt(): void
    {
        $peer = new Peer([[['read', 1], ['write', self::reply(1, '"1"', method: 'rpc.Version')]]]);
        putenv("RR_RPC=$peer->address");
        try {
            self::assertSame('1', Rpc::create()->version());
        } finally {
            putenv('RR_RPC');
        }
    }

    /** @dataProvider sockets */
    public function testSockets(string $address): void
    {
        $peer = new Peer([[['read', 1], ['write', self::reply(1, '[1,2.5,"ä",{"a":null}]')]]], $address);
        self::assertSame([1, 2.5, 'ä', ['a' => null]], (new Rpc($peer->address))->call('a.B', ['x' => 'ö/']));
        self::assertStringEndsWith('a.B{"x":"ö/"}', hex2bin($peer->line()));
        if (str_starts_with($address, 'unix://')) {
            unlink(substr($address, 7));
        }
    }

    public function sockets(): array
    {
        $path = sys_get_temp_dir() . '/rr-php-' . getmypid() . '.sock';
        return [['tcp://127.0.0.1:0'], ['tcp://[::1]:0'], ["unix://$path"]];
    }

    public function testNobodyListens(): void
    {
        $peer = new Peer([]);
        $peer->line();
        $this->expectException(ConnectionException::class);
        $this->expectExceptionMessageMatches('~^RPC at tcp://127\.0\.0\.1:\d+: Connection refused$~');
        (new Rpc($peer->address))->call('a.B');
    }

    public function testErrorKeepsTheConnection(): void
    {
        $peer = new Peer([[['read', 1], ['write', self::reply(1, 'no', Rpc::JSON | 0x40)],
            ['read', 1], ['write', self::reply(2, 'true')]]]);
        $rpc = new Rpc($peer->address);
        try {
            $rpc->call('a.B');
            self::fail('not refused');
        } catch (ServerException $exception) {
            self::assertSame('a.B: no', $exception->getMessage());
        }
        self::assertTrue($rpc->call('a.B'));
    }

    public function testReplyInPieces(): void
    {
        $large = str_repeat('0123456789abcdef', 20_000);
        $reply = self::reply(1, $large, Rpc::RAW);
        $steps = [['read', 1]];
        foreach ([0, 2, 30, 60, 20_000] as $i => $start) {
            $steps[] = ['write', substr($reply, $start, [2, 28, 30, 19_940, PHP_INT_MAX][$i])];
        }
        $peer = new Peer([[...$steps, ['read', 1], ['write', self::reply(2, $large, Rpc::RAW)]]]);
        $rpc = new Rpc($peer->address);
        self::assertSame($large, $rpc->call('a.B', 'x', Rpc::RAW));
        self::assertSame($large, $rpc->call('a.B', '', Rpc::RAW));
    }

    /** @dataProvider noReplies */
    public function testWhatIsNoReplyEndsTheConnection(string $bytes): void
    {
        $peer = new Peer([
            [['read', 1], ['write', $bytes], ['await-end', null]],
            [['read', 1], ['write', self::reply(2, '1')]],
        ]);
        $rpc = new Rpc($peer->address);
        try {
            $rpc->call('a.B');
            self::fail('taken');
        } catch (ConnectionException $exception) {
            self::assertStringStartsWith("RPC at $peer->address: ", $exception->getMessage());
        }
        self::assertSame(1, $rpc->call('a.B'));
    }

    public function noReplies(): array
    {
        $good = self::reply(1, 'true');
        return [
            'another version' => ['25' . substr($good, 2)],
            'one option' => ['14' . substr($good, 2)],
            'wrong checksum' => [substr($good, 0, 12) . '00000000' . substr($good, 20)],
            'longer name than payload' => [substr($good, 0, 32) . 'ff' . substr($good, 34)],
            'another call' => [self::reply(7, 'true')],
            'text' => [bin2hex("HTTP/1.1 400 Bad Request\r\n")],
        ];
    }

    public function testNoReplyInTime(): void
    {
        $peer = new Peer([[['read', 1], ['await-end', null]], [['read', 1], ['write', self::reply(2, '1')]]]);
        $rpc = new Rpc($peer->address);
        try {
            $rpc->call('a.B', isSafe: true, timeout: 0.2);
            self::fail('answered');
        } catch (TimeoutException $exception) {
            self::assertSame("RPC at $peer->address: no reply within 0.2 s", $exception->getMessage());
        }
        // The server learns of it, so that it waits for a lock no longer.
        $peer->line();
        self::assertSame('closed', $peer->line());
        self::assertSame(1, $rpc->call('a.B'));
    }

    public function testClosedWhileIdle(): void
    {
        $peer = new Peer([
            [['read', 1], ['write', self::reply(1, '1')]],
            [['read', 1], ['write', self::reply(2, '2')]],
        ]);
        $rpc = new Rpc($peer->address);
        self::assertSame(1, $rpc->call('a.B'));
        $peer->line();
        self::assertSame('closed', $peer->line());
        // Long enough to be looked at before the next call.
        (new \ReflectionProperty($rpc, 'usedAt'))->setValue($rpc, 0);
        self::assertSame(2, $rpc->call('a.B'));
    }

    public function testClosedAfterASafeCall(): void
    {
        $peer = new Peer([
            [['read', 1], ['write', self::reply(1, '1')], ['read', 1]],
            [['read', 1], ['write', self::reply(3, '3')], ['read', 1]],
            [['read', 1], ['write', self::reply(5, '5')]],
        ]);
        $rpc = new Rpc($peer->address);
        self::assertSame(1, $rpc->call('a.B'));
        self::assertSame(3, $rpc->call('a.B', isSafe: true));
        try {
            $rpc->call('a.B');
            self::fail('repeated');
        } catch (ConnectionException $exception) {
            self::assertFalse($exception->isUnsent);
        }
        self::assertSame(5, $rpc->call('a.B'));
    }

    public function testUnsentIsSentAgain(): void
    {
        $path = sys_get_temp_dir() . '/rr-php-' . getmypid() . '.sock';
        $peer = new Peer(
            [[['read', 1], ['write', self::reply(1, '1')]], [['read', 1], ['write', self::reply(3, '3')]]],
            "unix://$path",
        );
        $rpc = new Rpc($peer->address);
        self::assertSame(1, $rpc->call('a.B'));
        $peer->line();
        self::assertSame('closed', $peer->line());
        // The system refuses the write at once on this kind of socket.
        self::assertSame(3, $rpc->call('a.B'));
        unlink($path);
    }

    public function testRepliesInAnyOrder(): void
    {
        $peer = new Peer([[['read', 4], ['write', self::reply(3, '3') . self::reply(1, '1') . self::reply(4, 'no', 0x48)
            . self::reply(2, '2')], ['read', 1], ['write', self::reply(5, '5')]]]);
        $rpc = new Rpc($peer->address);
        $ids = array_map(fn (int $i): int => $rpc->send('a.B', $i), [1, 2, 3, 4]);
        $rpc->discard($ids[2]);
        self::assertSame(2, $rpc->receive($ids[1]));
        self::assertSame(1, $rpc->receive($ids[0]));
        try {
            $rpc->receive($ids[3]);
            self::fail('not refused');
        } catch (ServerException $exception) {
            self::assertSame('no', $exception->text);
        }
        self::assertSame(5, $rpc->call('a.B'));
        $this->expectException(\LogicException::class);
        $rpc->receive($ids[2]);
    }

    public function testCallBetweenSendAndReceive(): void
    {
        $peer = new Peer([[['read', 2], ['write', self::reply(1, '1') . self::reply(2, '2')]]]);
        $rpc = new Rpc($peer->address);
        $first = $rpc->send('a.B');
        self::assertSame(2, $rpc->call('a.B'));
        self::assertSame(1, $rpc->receive($first));
    }

    public function testAllThatWasSentIsLostWithTheConnection(): void
    {
        $peer = new Peer([
            [['read', 2], ['write', self::reply(2, '2')]],
            [['read', 1], ['write', self::reply(4, '4')]],
        ]);
        $rpc = new Rpc($peer->address);
        $ids = [$rpc->send('a.B'), $rpc->send('a.B'), $rpc->send('a.B')];
        $rpc->discard($ids[2]);
        foreach ([$ids[0], $ids[0]] as $i => $id) {
            try {
                $rpc->receive($id);
                self::fail('answered');
            } catch (ConnectionException) {
                self::assertSame(0, $i);
            } catch (\LogicException) {
                self::assertSame(1, $i);
            }
        }
        self::assertSame(2, $rpc->receive($ids[1]));
        self::assertSame(4, $rpc->call('a.B'));
    }

    public function testServerThatAnswersBeforeItReads(): void
    {
        // More than the sockets hold, both ways: who only writes waits for ever.
        $peer = new Peer([[['fill', 2000], ['skip', 2000]]]);
        $rpc = new Rpc($peer->address);
        $ids = [];
        for ($i = 0; $i < 2000; $i++) {
            $ids[] = $rpc->send('m', str_repeat('a', 8192), Rpc::RAW);
        }
        foreach ($ids as $id) {
            self::assertSame(8192, strlen($rpc->receive($id)));
        }
    }

    public function testTooManyCalls(): void
    {
        $peer = new Peer([[['skip', 20_000]]]);
        $rpc = new Rpc($peer->address);
        $this->expectException(\LogicException::class);
        for ($i = 0; $i <= 10_000; $i++) {
            $rpc->send('a.B');
        }
    }

    public function testRepliesForNobodyAreTaken(): void
    {
        $steps = [];
        foreach (array_chunk(range(1, 25_000), 1000) as $ids) {
            $steps[] = ['skip', count($ids)];
            $steps[] = ['write', implode('', array_map(fn (int $id): string => self::reply($id, '1'), $ids))];
        }
        $peer = new Peer([[...$steps, ['read', 1], ['write', self::reply(25_001, '"last"')]]]);
        $rpc = new Rpc($peer->address);
        for ($i = 0; $i < 25_000; $i++) {
            $rpc->discard($rpc->send('a.B'));
        }
        self::assertSame('last', $rpc->call('a.B'));
    }

    public function testWhatIsLeftIsWrittenAtTheEnd(): void
    {
        $peer = new Peer([[['read', 1]]]);
        $rpc = new Rpc($peer->address);
        $rpc->discard($rpc->send('a.B', 'last'));
        unset($rpc);
        self::assertStringEndsWith('a.B"last"', hex2bin($peer->line()));
    }
}
