<?php

declare(strict_types=1);

namespace RR\Tests;

use PHPUnit\Framework\TestCase;
use RR\Tcp\Relay;
use RR\Tcp\Request;
use RR\Tcp\Worker;

/** Answers that say where the next packet ends. The others are in Tests/PHP, with all else of a worker. */
final class WorkerTest extends TestCase
{
    /**
     * @param callable(Worker): void $answer to a packet of four bytes
     * @return string the context and the body that it has sent
     */
    private static function answer(callable $answer): string
    {
        [$server, $relay] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
        $context = '{"remote_addr":"@","server":"test","uuid":"u","event":"DATA"}';
        $start = pack('CCV', 0x14, 0, strlen($context) + 4);
        fwrite($server, $start . pack('VvV', crc32($start), 0, strlen($context)) . $context . 'data');
        $worker = new Worker(new Relay($relay, $relay));
        $worker->waitRequest();
        $answer($worker);
        return substr(fread($server, 65536), 16);
    }

    public function testWhatOnlySomeServersTell(): void
    {
        $start = '{"remote_addr":"@","server":"test","uuid":"u","event":"DATA"';
        $plain = Request::fromContext("$start}", 'data');
        self::assertSame([null, false, false], [$plain->tls, $plain->startTls, $plain->moved]);
        $told = Request::fromContext($start . ',"tls":{"version":"1.3"},"starttls":true,"moved":true}', 'data');
        self::assertSame([['version' => '1.3'], true, true], [$told->tls, $told->startTls, $told->moved]);
    }

    /** @dataProvider answers */
    public function testWhatIsSent(string $sent, callable $answer): void
    {
        self::assertSame($sent, self::answer($answer));
    }

    public function answers(): array
    {
        return [
            ['WRITEbody', fn (Worker $worker) => $worker->write('body')],
            ['CONTINUE', fn (Worker $worker) => $worker->read()],
            ['CONTINUE', fn (Worker $worker) => $worker->read(keep: 0)],
            ['CONTINUE;until=%0D%0A.%0D%0A', fn (Worker $worker) => $worker->read(until: "\r\n.\r\n")],
            ['WRITE;until=%25%3B%3D%00%FFa%20body', fn (Worker $worker) => $worker->write('body', "%;=\0\xFFa ")],
            ['WRITE;until=.;keep=4body', fn (Worker $worker) => $worker->write('body', until: '.', keep: 4)],
            ['WRITE;need=42body', fn (Worker $worker) => $worker->respond('body', need: 42)],
            ['CONTINUE;need=1;keep=1', fn (Worker $worker) => $worker->read(need: 1, keep: 1)],
            ['STARTTLS220 Go ahead', fn (Worker $worker) => $worker->startTls('220 Go ahead')],
            ['CONTINUE;keep=3', fn (Worker $worker) => $worker->respond('', Worker::CONTINUE, keep: 3)],
        ];
    }

    /** @dataProvider faults */
    public function testWhatIsRefused(string $message, callable $answer): void
    {
        $refused = null;
        self::assertSame('WRITEafter all', self::answer(function (Worker $worker) use ($answer, &$refused): void {
            try {
                $answer($worker);
            } catch (\InvalidArgumentException $exception) {
                $refused = $exception->getMessage();
            }
            $worker->write('after all');
        }));
        self::assertSame($message, $refused);
    }

    public function faults(): array
    {
        return [
            ['until has no bytes', fn (Worker $worker) => $worker->read(until: '')],
            ['until and need exclude each other', fn (Worker $worker) => $worker->read('x', 1)],
            ['need is 0, and must be 1 or more', fn (Worker $worker) => $worker->read(need: 0)],
            ['keep is -1, and the packet has 4 bytes', fn (Worker $worker) => $worker->read(keep: -1)],
            ['keep is 5, and the packet has 4 bytes', fn (Worker $worker) => $worker->write('', keep: 5)],
            ['STARTTLS is not followed by a packet', fn (Worker $worker) => $worker->respond('', Worker::STARTTLS, keep: 1)],
            ['CLOSE is not followed by a packet', fn (Worker $worker) => $worker->respond('', Worker::CLOSE, keep: 1)],
        ];
    }

    public function testOnceIsEnough(): void
    {
        self::answer(function (Worker $worker): void {
            $worker->read();
            $this->expectException(\LogicException::class);
            $this->expectExceptionMessage('it was answered already');
            $worker->read(until: '');
        });
    }

    public function testOneServerCutsSo(): void
    {
        $server = Server::shared();
        $client = $server->client($server->frames);
        $ask = function (array $next, string $more = '') use ($client): string {
            fwrite($client, json_encode($next) . "\r\n");
            if (isset($next['body'])) {
                self::assertSame($next['body'], fgets($client));
            }
            fwrite($client, $more);
            return rtrim(fgets($client), "\r\n");
        };

        // Neither the delimiter ends a packet then, nor the end of what was sent.
        $body = "ready\r\n";
        $end = "%;=\0.";
        self::assertSame(bin2hex("one\r\ntwo$end"), $ask(['body' => $body, 'until' => $end], "one\r\ntwo{$end}three\r\n"));
        self::assertSame(bin2hex("three\r\n") . "\r\n", fgets($client));
        self::assertSame(bin2hex('12345'), $ask(['body' => $body, 'need' => 5], '12345'));
        self::assertSame(bin2hex("\r\n.\r\n"), $ask(['body' => $body, 'until' => "\r\n.\r\n", 'keep' => 2], ".\r\n"));
        self::assertSame(bin2hex("}\r\n"), $ask(['keep' => 3]));
        self::assertSame(bin2hex("\r\nfive"), $ask(['body' => $body, 'need' => 6, 'keep' => 2], 'five'));
        self::assertSame(bin2hex("as before\r\n"), $ask(['body' => $body], "as before\r\n"));
    }
}
