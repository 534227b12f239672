<?php

declare(strict_types=1);

namespace RR\Tcp;

// Named here, they are not looked for in this namespace at each call.
use function crc32;
use function fread;
use function fwrite;
use function hrtime;
use function pack;
use function strlen;
use function substr;
use function unpack;

/**
 * The two byte streams between the server and this worker, and the frames on them.
 *
 * Speaks Goridge v3. A frame, all numbers little-endian:
 *
 *     byte 0      protocol version (1) in the high 4 bits, header length in 32-bit words in the low 4
 *     byte 1      flags
 *     bytes 2-5   payload length
 *     bytes 6-9   CRC32 of bytes 0-5
 *     bytes 10-11 not used by workers
 *     then        options, 32 bits each; then the payload
 *
 * Requests and answers have one option: the length of the context, which is the first part of the payload.
 *
 * One read takes as many frames as have come. What is sent while more of them are here is gathered, and written at once
 * before the worker waits for the server: sixteen events cost one read and one write.
 */
final class Relay
{
    /** The most asked of the operating system in one read: what a Linux pipe holds. */
    private const READ_SIZE = 65536;
    /** A larger payload is not copied to be joined with what goes before it; as much is gathered at most. */
    private const JOIN_LIMIT = 65536;
    /** What is sent later than this after the frame before it is written at once: a write is little beside it. */
    private const GATHER_NANOSECONDS = 50_000;
    private const HEADER_SIZE = 12;
    /** The least that a worker gets: a header, and an option or a message. */
    private const LEAST_SIZE = 16;

    /** Bytes read, of which those before the offset are done with. */
    private string $buffer = '';
    private int $offset = 0;

    /** Bytes of the frame at the offset when all of it is in the buffer, else 0. */
    private int $ready = 0;
    /** What is known of that frame, once its header is here; its size is 0 when that is no header. */
    private int $size = 0;
    private int $flags = 0;
    private int $headerSize = 0;
    private int $contextLength = 0;

    /** Sent and not written yet. */
    private string $gathered = '';
    /** When a read brought more frames than one, or a frame was gathered after that. */
    private int $since = 0;
    private bool $lost = false;
    private readonly int $process;

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

        // What was answered is not lost when the script ends, whichever way: exit(), an error that nothing catches.
        $this->process = getmypid();
        register_shutdown_function($this->end(...));
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
     * Waits for the next frame. All that was sent before is written first, if it has to wait.
     *
     * @param string $context set to the first part of the payload, as long as the frame's first option says
     * @param string $body    set to the rest of the payload, all of it when the frame has no option
     * @return int|null the frame's flags; null when the other side has closed the stream
     * @throws ProtocolException when this is no frame
     */
    public function receive(?string &$context, ?string &$body): ?int
    {
        if ($this->ready === 0) {
            return $this->receivePieces($context, $body);
        }
        $flags = $this->flags;
        $start = $this->offset + $this->headerSize;
        $this->offset += $this->ready;
        $context = substr($this->buffer, $start, $this->contextLength);
        $start += $this->contextLength;
        $body = substr($this->buffer, $start, $this->offset - $start);
        $this->look();
        return $flags;
    }

    /**
     * Sends a frame: at once, or with others before the worker waits again. {@see flush}
     *
     * @param string|null $context null for a frame without options
     * @return bool false when the other side is gone
     */
    public function send(int $flags, ?string $context, string $body): bool
    {
        if ($context === null) {
            $start = pack('CCV', 0x13, $flags, strlen($body));
            $head = $start . pack('Vv', crc32($start), 0);
        } else {
            $length = strlen($context);
            $start = pack('CCV', 0x14, $flags, $length + strlen($body));
            $head = $start . pack('VvV', crc32($start), 0, $length) . $context;
        }

        if (strlen($body) > self::JOIN_LIMIT) {
            $this->gathered .= $head;
            return $this->flush() && $this->put($body);
        }
        if ($this->ready === 0 && $this->gathered === '') {
            return $this->put($head . $body);
        }
        $this->gathered .= $head . $body;
        if ($this->ready !== 0 && strlen($this->gathered) <= self::JOIN_LIMIT) {
            $now = hrtime(true);
            $quick = $now - $this->since < self::GATHER_NANOSECONDS;
            $this->since = $now;
            if ($quick) {
                return !$this->lost;
            }
        }
        return $this->flush();
    }

    /**
     * Writes what was sent and is not written yet.
     *
     * @return bool false when the other side is gone
     */
    public function flush(): bool
    {
        $data = $this->gathered;
        $this->gathered = '';
        return $this->put($data);
    }

    /**
     * Reads exactly this many bytes.
     *
     * @return string|null null when the other side has closed the stream before they were all there
     */
    public function read(int $length): ?string
    {
        $this->ready = 0;
        $available = strlen($this->buffer) - $this->offset;
        if ($available >= $length) {
            $data = substr($this->buffer, $this->offset, $length);
            $this->offset += $length;
            return $data;
        }

        $data = substr($this->buffer, $this->offset);
        $this->buffer = '';
        $this->offset = 0;
        while ($available < $length) {
            $missing = $length - $available;
            $piece = $this->readPiece();
            if ($piece === null) {
                return null;
            }
            $size = strlen($piece);
            if ($size > $missing) {
                $this->buffer = $piece;
                $this->offset = $missing;
                $piece = substr($piece, 0, $missing);
            }
            // In place: a 32 MB body grows piece by piece without being copied.
            $data .= $piece;
            $available += $size;
        }
        return $data;
    }

    /**
     * Writes all of it, after what was sent before.
     *
     * @return bool false when the other side is gone
     */
    public function write(string $data): bool
    {
        return $this->flush() && $this->put($data);
    }

    /**
     * Writes what was sent and is not written yet, at the end of the script or of the worker.
     *
     * A process that the script has forked has a copy of what was gathered, which is not its to write.
     */
    public function end(): void
    {
        if (getmypid() === $this->process) {
            $this->flush();
        }
    }

    /** Receives a frame that is not in the buffer, or not all of it. */
    private function receivePieces(?string &$context, ?string &$body): ?int
    {
        while (strlen($this->buffer) - $this->offset < self::LEAST_SIZE) {
            $piece = $this->readPiece();
            if ($piece === null) {
                return null;
            }
            // In the usual case nothing is left, or a few bytes.
            $rest = substr($this->buffer, $this->offset);
            $this->buffer = $rest === '' ? $piece : $rest . $piece;
            $this->offset = 0;
        }
        $this->look();
        if ($this->ready !== 0) {
            $flags = $this->receive($context, $body);
            if ($this->ready !== 0) {
                $this->since = hrtime(true);
            }
            return $flags;
        }
        if ($this->size === 0) {
            $header = substr($this->buffer, $this->offset, self::LEAST_SIZE);
            throw new ProtocolException('not the header of a frame: ' . bin2hex($header));
        }

        $flags = $this->flags;
        if ($this->read($this->headerSize) === null) {
            return null;
        }
        $context = $this->read($this->contextLength);
        $body = $context === null ? null : $this->read($this->size - $this->headerSize - $this->contextLength);
        if ($body === null) {
            return null;
        }
        $this->look();
        return $flags;
    }

    /** Looks at the next frame's header, and whether all of the frame is in the buffer. */
    private function look(): void
    {
        $this->ready = 0;
        $available = strlen($this->buffer) - $this->offset;
        if ($available < self::LEAST_SIZE) {
            return;
        }
        ['first' => $first, 'flags' => $this->flags, 'length' => $length, 'crc' => $crc, 'option' => $option]
            = unpack('Cfirst/Cflags/Vlength/Vcrc/vzero/Voption', $this->buffer, $this->offset);
        $this->headerSize = ($first & 0x0F) << 2;
        $this->contextLength = $this->headerSize > self::HEADER_SIZE ? $option : 0;
        if (
            $first >> 4 !== 1 || $this->headerSize < self::HEADER_SIZE || $this->contextLength > $length
            || crc32(substr($this->buffer, $this->offset, 6)) !== $crc
        ) {
            // Those before it are dealt with first: it is refused when it is its turn.
            $this->size = 0;
            return;
        }
        $this->size = $this->headerSize + $length;
        if ($this->size <= $available) {
            $this->ready = $this->size;
        }
    }

    /**
     * Waits for bytes, and before that writes what was sent.
     *
     * @return string|null null when the other side has closed the stream, or takes nothing any more
     */
    private function readPiece(): ?string
    {
        if ($this->gathered !== '') {
            $this->flush();
        }
        if ($this->lost) {
            return null;
        }
        do {
            $piece = fread($this->input, self::READ_SIZE);
            if ($piece !== '' && $piece !== false) {
                return $piece;
            }
            // Interrupted by a signal, when this is not the end.
        } while (!feof($this->input));
        return null;
    }

    private function put(string $data): bool
    {
        while ($data !== '' && !$this->lost) {
            $written = @fwrite($this->output, $data);
            if ($written === strlen($data)) {
                return true;
            }
            if ($written === false) {
                $this->lost = true;
            } elseif ($written === 0) {
                // Interrupted, or somebody made the stream non-blocking: wait until it takes more.
                $read = $except = null;
                $write = [$this->output];
                $this->lost = feof($this->output) || @stream_select($read, $write, $except, null) === false;
            } else {
                $data = substr($data, $written);
            }
        }
        return !$this->lost;
    }
}
