<?php

declare(strict_types=1);

/**
 * Sessions by connection, in files that all workers share: any worker may get the next event of a connection.
 *
 * No locks: the server sends one event of a connection at a time. A database or a key-value store would do as well.
 */
final class SmtpSessionStore
{
    private const ABANDONED_AFTER_SECONDS = 86400;

    public function __construct(private readonly string $directory)
    {
        makeDirectory($directory);
        $this->removeAbandoned();
    }

    /** @return array{SmtpSession, string}|null the session, and what it looks like in the store */
    public function load(string $uuid): ?array
    {
        $stored = @file_get_contents($this->path($uuid));
        $session = $stored === false ? false : unserialize($stored, ['allowed_classes' => [SmtpSession::class]]);
        return $session instanceof SmtpSession ? [$session, $stored] : null;
    }

    /** @param string $stored what {@see load()} said, so that a session that is the same is not written again */
    public function save(string $uuid, SmtpSession $session, string $stored = ''): void
    {
        $data = serialize($session);
        if ($data === $stored) {
            return;
        }
        // Renamed into place: a worker killed meanwhile leaves the old state or the new one, never a half.
        $path = $this->path($uuid);
        if (@file_put_contents("$path.new", $data) !== strlen($data) || !rename("$path.new", $path)) {
            throw new RuntimeException("cannot write $path");
        }
    }

    public function remove(string $uuid): void
    {
        @unlink($this->path($uuid));
    }

    private function path(string $uuid): string
    {
        return "$this->directory/" . checkedUuid($uuid);
    }

    /** Connections that were open when the server was killed never said goodbye. */
    private function removeAbandoned(): void
    {
        foreach (glob("$this->directory/*") ?: [] as $path) {
            if (@filemtime($path) < time() - self::ABANDONED_AFTER_SECONDS) {
                @unlink($path);
            }
        }
    }
}
