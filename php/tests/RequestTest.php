<?php

declare(strict_types=1);

namespace RR\Tests;

use PHPUnit\Framework\TestCase;
use RR\Tcp\ProtocolException;
use RR\Tcp\Request;

/** What an event tells, from the context that the server sends. */
final class RequestTest extends TestCase
{
    private static function request(string $more = '', string $event = 'DATA'): Request
    {
        $context = '{"remote_addr":"[::1]:51234","server":"mail","uuid":"u","event":"' . $event . '"' . $more . '}';
        return Request::fromContext($context, 'body');
    }

    public function testAConnectionInClear(): void
    {
        $request = self::request();
        self::assertSame(
            ['DATA', 'mail', '[::1]:51234', 'u', 'body', null, false, false],
            array_values((array) $request),
        );
    }

    public function testOneThatMayBeEncrypted(): void
    {
        $request = self::request(',"starttls":true', 'CONNECTED');
        self::assertTrue($request->startTls);
        self::assertNull($request->tls);
        self::assertSame('CONNECTED', $request->event);
    }

    public function testWhatIsKnownOfTheEncryption(): void
    {
        $client = '"subject":"CN=device-17,O=Acme","san":["DNS:device-17.example","IP:10.0.0.7"],"serial":"4A1F"'
            . ',"fingerprint_sha256":"9f86","not_after":"2027-01-31T23:59:59Z"';
        $request = self::request(',"tls":{"version":"1.3","sni":"mail.example.org","alpn":"smtp","verified":true,' . $client . '}');
        self::assertFalse($request->startTls);
        self::assertSame([
            'version' => '1.3', 'sni' => 'mail.example.org', 'alpn' => 'smtp', 'verified' => true,
            'subject' => 'CN=device-17,O=Acme', 'san' => ['DNS:device-17.example', 'IP:10.0.0.7'], 'serial' => '4A1F',
            'fingerprint_sha256' => '9f86', 'not_after' => '2027-01-31T23:59:59Z',
        ], $request->tls);

        $least = self::request(',"tls":{"version":"1.2","verified":false}', 'CLOSE');
        self::assertSame(['version' => '1.2', 'verified' => false], $least->tls);
    }

    public function testWhatItDoesNotKnowIsPassedOver(): void
    {
        self::assertNull(self::request(',"proxy":{"from":"10.0.0.1:1"},"later":1')->tls);
    }

    /** @dataProvider faults */
    public function testWhatIsNoContext(string $context): void
    {
        $this->expectException(ProtocolException::class);
        Request::fromContext($context, '');
    }

    public function faults(): array
    {
        return [
            [''],
            ['null'],
            ['{"remote_addr":"a","server":"b","uuid":"c"}'],
            ['{"remote_addr":"a","server":"b","uuid":"c","event":"DATA"'],
        ];
    }
}
