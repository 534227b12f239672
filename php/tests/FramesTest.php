<?php

declare(strict_types=1);

namespace RR\Tests;

use PHPUnit\Framework\TestCase;
use RR\Connections;
use RR\KeyValue;
use RR\Lock;
use RR\Rpc;
use RR\Rpc\ServerException;

/** Frames to the byte, as RoadRunner's own client and server have them. */
final class FramesTest extends TestCase
{
    private const SET = '15801800000069fd92c6000001000000060000006b762e536574'
        . '0a0173120d0a016b1208733a313a2276223b';
    private const SET_REPLY = '158006000000c5dd5476000001000000060000006b762e536574';

    public function testSet(): void
    {
        $peer = new Peer([[['read', 1], ['write', self::SET_REPLY]]]);
        self::assertTrue((new KeyValue(new Rpc($peer->address), 's'))->set('k', 'v'));
        self::assertSame(self::SET, $peer->line());
    }

    public function testSetRefused(): void
    {
        $error = bin2hex('rpc_set: no such storage: s');
        $reply = '15c0210000000b124213000001000000060000006b762e536574' . $error;
        $peer = new Peer([[['read', 1], ['write', $reply]]]);
        try {
            (new KeyValue(new Rpc($peer->address), 's'))->set('k', 'v');
            self::fail('not refused');
        } catch (KeyValue\KeyValueException $exception) {
            self::assertSame('kv.Set: rpc_set: no such storage: s', $exception->getMessage());
            self::assertInstanceOf(ServerException::class, $exception->getPrevious());
        }
    }

    public function testGetMultiple(): void
    {
        $reply = '1580160000005a8a4d26000003000000070000006b762e4d476574' . '0a0d0a016b1208733a313a2276223b';
        $second = substr_replace(self::SET_REPLY, '02', 24, 2);
        $peer = new Peer([[['read', 2], ['write', self::SET_REPLY . $second], ['read', 1], ['write', $reply]]]);
        $rpc = new Rpc($peer->address);
        $sets = [$rpc->send('kv.Set', '', Rpc::PROTO), $rpc->send('kv.Set', '', Rpc::PROTO)];
        self::assertSame(['', ''], array_map($rpc->receive(...), $sets));
        self::assertSame(['k' => 'v', 'x' => null], (new KeyValue($rpc, 's'))->getMultiple(['k', 'x']));
        $peer->line();
        $peer->line();
        self::assertSame(
            '158014000000d142448c000003000000070000006b762e4d476574' . '0a017312030a016b12030a0178',
            $peer->line(),
        );
    }

    public function testClose(): void
    {
        $uuid = '6ba7b810-9dad-41d1-80b4-00c04fd430c8';
        $reply = '15080d00000097a1c320000001000000090000007463702e436c6f736574727565';
        $peer = new Peer([[['read', 1], ['write', $reply]]]);
        (new Connections(new Rpc($peer->address)))->close($uuid);
        self::assertSame(
            '15082f00000022c6f82a000001000000090000007463702e436c6f7365' . bin2hex("\"$uuid\""),
            $peer->line(),
        );
    }

    public function testLock(): void
    {
        $peer = new Peer([[['read', 1], ['write', '15800b00000018053e84000001000000090000006c6f636b2e4c6f636b0801']]]);
        self::assertSame('id', (new Lock(new Rpc($peer->address)))->lock('job', 'id', ttl: 10));
        self::assertSame(
            '1580190000000c9a2e7e000001000000090000006c6f636b2e4c6f636b' . '0a036a6f62120269641880ade2042000',
            $peer->line(),
        );
    }

    public function testUnknownMethod(): void
    {
        $text = "rpc: can't find method kv.Foo";
        $peer = new Peer([[['read', 1],
            ['write', '154823000000d321dd38000001000000060000006b762e466f6f' . bin2hex($text)]]]);
        try {
            (new Rpc($peer->address))->call('kv.Foo');
            self::fail('not refused');
        } catch (ServerException $exception) {
            self::assertSame([$text, 'kv.Foo'], [$exception->text, $exception->method]);
        }
    }
}
