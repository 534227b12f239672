<?php

declare(strict_types=1);

namespace RR\Tcp;

/**
 * The two byte streams between the server and this worker, with exact reads and whole writes.
 */
final class Relay
{
    /** The most asked of the operating system in one read: what a Linux pipe holds. */
    private const READ_SIZE = 65536;

    /** Bytes read and not asked for yet. */
    private string $buffer = '';

    /**
     * @param resource $input
     * @param resource $output
     */
    public function __construct(private $input, private $output)
    {
        stream_set_blocking($input, true);
        stream_set_blocking($output, true);
        // PHP's own buffer would cut reads into 8 KiB pieces and copy every byte once more.
        stream_set_read_buffer($input, 0);
        stream_set_write_buffer($output, 0);
    }

    /**
     * @param string $address as in RR_RELAY: `pipes`, `tcp://host:port` or `unix://path`
     * @throws \RuntimeException when the server cannot be reached
     */
    public static function connect(string $address): self
    {
        if ($address === 'pipes') {
            return new self(STDIN, STDOUT);
        }
        if (!str_starts_with($address, 'tcp://') && !str_starts_with($address, 'unix://')) {
            throw new \RuntimeException("relay $address: want pipes, tcp://host:port or unix://path");
        }
        $context = stream_context_create(['socket' => ['tcp_nodelay' => true]]);
        $socket = @stream_socket_client($address, $code, $message, 60, STREAM_CLIENT_CONNECT, $context);
        if ($socket === false) {
            throw new \RuntimeException("relay $address: $message");
        }
        // An idle worker waits for its next request as long as it takes.
        stream_set_timeout($socket, -1);
        return new self($socket, $socket);
    }

    /**
     * Reads exactly this many bytes.
     *
     * @return string|null null when the other side has closed the stream before they were all there
     */
    public function read(int $length): ?string
    {
        $available = strlen($this->buffer);
        if ($available > $length) {
            $data = substr($this->buffer, 0, $length);
            $this->buffer = substr($this->buffer, $length);
            return $data;
        }

        $data = $this->buffer;
        $this->buffer = '';
        while ($available < $length) {
            $missing = $length - $available;
            $piece = fread($this->input, self::READ_SIZE);
            if ($piece === '' || $piece === false) {
                if (feof($this->input)) {
                    return null;
                }
                continue; // interrupted by a signal
            }
            $size = strlen($piece);
            if ($size > $missing) {
                $this->buffer = substr($piece, $missing);
                $piece = substr($piece, 0, $missing);
            }
            // In place: a 32 MB body grows piece by piece without being copied.
            $data .= $piece;
            $available += $size;
        }
        return $data;
    }

    /**
     * Writes all of it.
     *
     * @return bool false when the other side is gone
     */
    public function write(string $data): bool
    {
        while ($data !== '') {
            $written = @fwrite($this->output, $data);
            if ($written === false) {
                return false;
            }
            if ($written === strlen($data)) {
                return true;
            }
            if ($written === 0) {
                // Interrupted, or somebody made the stream non-blocking: wait until it takes more.
                $read = $except = null;
                $write = [$this->output];
                if (feof($this->output) || @stream_select($read, $write, $except, null) === false) {
                    return false;
                }
                continue;
            }
            $data = substr($data, $written);
        }
        return true;
    }
}
