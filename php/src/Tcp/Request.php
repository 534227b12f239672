<?php

declare(strict_types=1);

namespace RR\Tcp;

/**
 * One event of one client connection. Every event wants exactly one answer, see {@see Worker}.
 */
final class Request
{
    /** A client has connected; nothing has been read from it yet and the body is empty. */
    public const CONNECTED = 'CONNECTED';
    /** The client has sent something: it is in the body, the delimiter included. */
    public const DATA = 'DATA';
    /** The connection is over. The last event of every connection; the answer is ignored. */
    public const CLOSE = 'CLOSE';

    /**
     * @param string $event      CONNECTED, DATA or CLOSE
     * @param string $server     the server's name in the configuration, lower case
     * @param string $remoteAddr the client's address and port: `127.0.0.1:51234`, `[::1]:51234`
     * @param string $uuid       one for the whole life of the connection, on whichever worker its events arrive
     * @param string $body       the bytes received (DATA), else empty
     * @param array<string, mixed>|null $tls what is known of the encryption: version, cipher, sni, alpn, verified, and
     *                           subject, san, serial, fingerprint_sha256, not_after of the client's certificate; null:
     *                           in clear
     * @param bool   $startTls   whether {@see Worker::startTls} may encrypt the connection
     * @param bool   $moved      whether another worker has had the connection's last event, though the server has
     *                           `dispatch: connection` or `ip`: what this worker remembers of the client may be old
     */
    public function __construct(
        public readonly string $event,
        public readonly string $server,
        public readonly string $remoteAddr,
        public readonly string $uuid,
        public readonly string $body,
        public readonly ?array $tls = null,
        public readonly bool $startTls = false,
        public readonly bool $moved = false,
    ) {
    }

    /** @throws ProtocolException when the context is not the JSON object it has to be */
    public static function fromContext(string $context, string $body): self
    {
        $fields = json_decode($context, true);
        if (!isset($fields['event'], $fields['server'], $fields['remote_addr'], $fields['uuid'])) {
            throw new ProtocolException("not the context of a TCP event: $context");
        }
        return new self(
            $fields['event'],
            $fields['server'],
            $fields['remote_addr'],
            $fields['uuid'],
            $body,
            $fields['tls'] ?? null,
            $fields['starttls'] ?? false,
            $fields['moved'] ?? false,
        );
    }
}
