<?php

declare(strict_types=1);

/**
 * Mails as files, byte for byte as they were sent.
 *
 *     tmp/<uuid>              a mail that is arriving, one a connection at most
 *     new/<name>.eml          a mail
 *     envelopes/<name>.json   who sent it and to whom, there before the mail is
 */
final class Maildir
{
    public function __construct(private readonly string $directory)
    {
        foreach (['tmp', 'new', 'envelopes'] as $folder) {
            makeDirectory("$directory/$folder");
        }
    }

    /** Starts an empty mail, in place of what the connection had begun before. */
    public function begin(string $uuid): bool
    {
        return @file_put_contents($this->arriving($uuid), '') !== false;
    }

    /**
     * Adds a piece to the mail; what is there is not read.
     *
     * @return int|null the size now; null when it could not be written
     */
    public function append(string $uuid, string $piece): ?int
    {
        $file = @fopen($this->arriving($uuid), 'ab');
        if ($file === false) {
            return null;
        }
        $written = @fwrite($file, $piece);
        $size = fstat($file)['size'];
        fclose($file);
        return $written === strlen($piece) ? $size : null;
    }

    /**
     * The mail is complete: from now on it is seen, and survives a crash of the machine.
     *
     * @param array<string, mixed> $envelope
     */
    public function deliver(string $uuid, string $name, array $envelope): bool
    {
        $path = $this->arriving($uuid);
        $file = @fopen($path, 'r+b');
        if ($file === false) {
            return false;
        }
        $envelope['size'] = fstat($file)['size'];
        $onDisk = fsync($file);
        fclose($file);

        $json = json_encode($envelope, JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE);
        return $onDisk
            && @file_put_contents("$this->directory/envelopes/$name.json", "$json\n") === strlen($json) + 1
            && @rename($path, "$this->directory/new/$name.eml");
    }

    /** Throws away what has arrived. */
    public function discard(string $uuid): void
    {
        @unlink($this->arriving($uuid));
    }

    private function arriving(string $uuid): string
    {
        return "$this->directory/tmp/" . checkedUuid($uuid);
    }
}
