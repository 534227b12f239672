<?php

declare(strict_types=1);

use RR\KeyValue;
use RR\Rpc;

/**
 * Sessions by connection, in the server's storage `smtp`: any worker may get the next event of a connection.
 *
 * No locks: the server sends one event of a connection at a time.
 */
final class SmtpSessionStore
{
    /** RFC 5321, 4.5.3.2: what a server waits for its client at least. A CLOSE removes the session at once. */
    private const SECONDS = 300;

    private readonly KeyValue $sessions;

    public function __construct(Rpc $rpc)
    {
        $this->sessions = new KeyValue($rpc, 'smtp');
    }

    public function load(string $uuid): ?SmtpSession
    {
        return $this->sessions->get($uuid);
    }

    /** Also of a session that has not changed, which is kept for longer so. */
    public function save(string $uuid, SmtpSession $session): void
    {
        $this->sessions->set($uuid, $session, self::SECONDS);
    }

    public function remove(string $uuid): void
    {
        $this->sessions->delete($uuid);
    }
}
