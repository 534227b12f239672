<?php

declare(strict_types=1);

namespace RR\Rpc;

// Named here, they are not looked for in this namespace at each call.
use function crc32;
use function fread;
use function fwrite;
use function pack;
use function strlen;
use function substr;
use function unpack;

/**
 * One connection to the server's RPC, and the frames on it.
 *
 * A frame, all numbers little-endian:
 *
 *     byte 0       0x15: version 1, five words of header
 *     byte 1       codec; 0x40 beside it marks an error
 *     bytes 2-5    payload length
 *     bytes 6-9    CRC32 of bytes 0-5
 *     bytes 10-11  not used
 *     bytes 12-15  the call's id, which its reply repeats
 *     bytes 16-19  length of the method's name
 *     then         the payload: the method's name, and the encoded argument or result
 *
 * A connection that has thrown is of no use any more.
 *
 * @internal
 */
final class Connection
{
    public const ERROR = 0x40;
    private const FIRST_BYTE = 0x15;
    private const HEADER_SIZE = 20;
    private const LEAST_READ = 8192;
    private const LARGEST_READ = 65536;
    private const MOST_STARTS = 256;
    /** Bytes of the largest reply that is taken: a length beyond it is no length. */
    private const LARGEST_REPLY = 1 << 30;

    /** Bytes read, of which those before the offset are taken. */
    private string $buffer = '';
    private int $offset = 0;
    /** Bytes asked of the operating system in one read: grows with the replies, so that a large one is one read. */
    private int $readSize = self::LEAST_READ;
    private ?float $timeout = null;
    /** @var array<int, string> the first ten bytes of frames, by codec and length: an application's have few lengths */
    private array $starts = [];

    /** @param resource $stream */
    private function __construct(private $stream, private readonly string $address)
    {
        // PHP's own buffer would cut reads into 8 KiB pieces and copy every byte once more.
        stream_set_read_buffer($stream, 0);
        stream_set_write_buffer($stream, 0);
    }

    /**
     * @param string $address as {@see Address::target} makes it
     * @param float $timeout  seconds
     * @throws ConnectionException when the server cannot be reached
     */
    public static function open(string $address, float $timeout): self
    {
        $context = stream_context_create(['socket' => ['tcp_nodelay' => true]]);
        $stream = @stream_socket_client($address, $code, $message, $timeout, STREAM_CLIENT_CONNECT, $context);
        if ($stream === false) {
            throw new ConnectionException("RPC at $address: " . ($message ?: 'cannot connect'), isUnsent: true);
        }
        return new self($stream, $address);
    }

    /** The frame of a call. */
    public static function frame(int $codec, int $id, string $method, string $argument): string
    {
        $name = strlen($method);
        $start = pack('CCV', self::FIRST_BYTE, $codec, $name + strlen($argument));
        return $start . pack('VvVV', crc32($start), 0, $id, $name) . $method . $argument;
    }

    /** Whether the server has closed the connection, or sent what nobody has asked for; no reply may be outstanding. */
    public function isGone(): bool
    {
        $read = [$this->stream];
        $write = $except = null;
        return @stream_select($read, $write, $except, 0, 0) !== 0;
    }

    /**
     * One call and its reply, with no other call outstanding: one write and, in the usual case, one read.
     *
     * @param string $value   what follows the argument, with the end behind it: a large one is copied once, here
     * @param float  $timeout seconds without a byte from the server, or until it takes one
     * @return string the encoded result
     * @throws RpcException
     */
    public function call(
        int $codec,
        int $id,
        string $method,
        string $argument,
        string $value,
        string $end,
        float $timeout,
    ): string {
        if ($this->timeout !== $timeout) {
            $this->setTimeout($timeout);
        }
        $name = strlen($method);
        $length = $name + strlen($argument) + strlen($value) + strlen($end);
        $rest = pack('vVV', 0, $id, $name) . $method;
        $start = $this->starts[$codec << 32 | $length] ?? $this->start($codec, $length);
        $frame = $start . $rest . $argument . $value . $end;
        if (@fwrite($this->stream, $frame) !== strlen($frame)) {
            throw stream_get_meta_data($this->stream)['timed_out']
                ? $this->expired()
                : $this->failure('the connection was closed', isUnsent: true);
        }

        $data = fread($this->stream, $this->readSize);
        if ($data !== false && $data !== '') {
            // All of a good reply's header is known but for the length, which is that of all there is.
            $length = strlen($data) - self::HEADER_SIZE;
            $start = $this->starts[$codec << 32 | $length] ?? $this->start($codec, $length);
            if (\str_starts_with($data, $start . $rest)) {
                return substr($data, self::HEADER_SIZE + $name);
            }
            $this->took($data);
        } else {
            $this->checkStream();
        }

        [$replyId, $flags, $replyMethod, $result] = $this->receive($timeout);
        if ($replyId !== $id) {
            throw $this->failure("a reply to call $replyId came, which was not made; want $id");
        }
        if (($flags & self::ERROR) !== 0) {
            throw new ServerException($replyMethod, $result);
        }
        return $result;
    }

    /**
     * Writes frames, and meanwhile reads replies that are outstanding: before that the server may take no more.
     *
     * @param float $timeout seconds until the server takes a byte or sends one
     * @throws RpcException
     */
    public function write(string $frames, float $timeout): void
    {
        stream_set_blocking($this->stream, false);
        while (($written = @fwrite($this->stream, $frames)) !== strlen($frames)) {
            if ($written === false) {
                throw $this->failure('the connection was closed');
            }
            $frames = substr($frames, $written);
            $read = $write = [$this->stream];
            $except = null;
            $seconds = (int) $timeout;
            // False when a signal has interrupted it.
            if (@stream_select($read, $write, $except, $seconds, (int) (($timeout - $seconds) * 1e6)) === 0) {
                throw new TimeoutException("RPC at $this->address: the server takes nothing for $timeout s");
            }
            if ($read) {
                $data = fread($this->stream, self::LARGEST_READ);
                if ($data === false || ($data === '' && feof($this->stream))) {
                    throw $this->failure('the connection was closed');
                }
                $this->took($data);
            }
        }
        stream_set_blocking($this->stream, true);
    }

    /**
     * Waits for the next reply, of whichever call.
     *
     * @param float $timeout seconds
     * @return array{int, int, string, string} the call's id, flags, method, encoded result or the error's text
     * @throws RpcException
     */
    public function receive(float $timeout): array
    {
        if ($this->timeout !== $timeout) {
            $this->setTimeout($timeout);
        }
        $deadline = hrtime(true) + (int) ($timeout * 1e9);
        $this->fill(self::HEADER_SIZE, $deadline);
        ['first' => $first, 'flags' => $flags, 'length' => $length, 'crc' => $crc, 'id' => $id, 'name' => $name]
            = unpack('Cfirst/Cflags/Vlength/Vcrc/vzero/Vid/Vname', $this->buffer, $this->offset);
        if (
            $first !== self::FIRST_BYTE || crc32(substr($this->buffer, $this->offset, 6)) !== $crc
            || $name > $length || $length > self::LARGEST_REPLY
        ) {
            $header = substr($this->buffer, $this->offset, self::HEADER_SIZE);
            throw $this->failure('not the header of a reply: ' . bin2hex($header));
        }
        $this->fill(self::HEADER_SIZE + $length, $deadline);
        $start = $this->offset + self::HEADER_SIZE;
        $reply = [
            $id, $flags, substr($this->buffer, $start, $name), substr($this->buffer, $start + $name, $length - $name),
        ];
        $this->offset = $start + $length;
        if ($this->offset === strlen($this->buffer)) {
            $this->buffer = '';
            $this->offset = 0;
        }
        return $reply;
    }

    /** Ends it: the server gives up what it waits for on behalf of this connection, as for a lock. */
    public function close(): void
    {
        fclose($this->stream);
    }

    /** Reads until there are so many bytes behind the offset. */
    private function fill(int $size, int $deadline): void
    {
        while (($missing = $size - strlen($this->buffer) + $this->offset) > 0) {
            if (hrtime(true) > $deadline) {
                throw $this->expired();
            }
            $data = fread($this->stream, max($this->readSize, min($missing, self::LARGEST_READ)));
            if ($data === false || $data === '') {
                $this->checkStream();
            } else {
                $this->took($data);
            }
        }
    }

    /** The first ten bytes of a frame. */
    private function start(int $codec, int $length): string
    {
        $start = pack('CCV', self::FIRST_BYTE, $codec, $length);
        $start .= pack('V', crc32($start));
        if (\count($this->starts) >= self::MOST_STARTS) {
            $this->starts = [];
        }
        return $this->starts[$codec << 32 | $length] = $start;
    }

    private function took(string $data): void
    {
        if ($this->offset > strlen($this->buffer) / 2) {
            $this->buffer = substr($this->buffer, $this->offset);
            $this->offset = 0;
        }
        // In place: a large reply grows piece by piece without being copied.
        $this->buffer .= $data;
        if (strlen($data) >= $this->readSize && $this->readSize < self::LARGEST_READ) {
            $this->readSize *= 2;
        }
    }

    /** Nothing was read: that is the end, or the time is over, or a signal has interrupted it. */
    private function checkStream(): void
    {
        $state = stream_get_meta_data($this->stream);
        if ($state['timed_out']) {
            throw $this->expired();
        }
        if ($state['eof']) {
            throw $this->failure('the connection was closed');
        }
    }

    private function setTimeout(float $timeout): void
    {
        $this->timeout = $timeout;
        $seconds = (int) $timeout;
        stream_set_timeout($this->stream, $seconds, (int) (($timeout - $seconds) * 1e6));
    }

    private function expired(): TimeoutException
    {
        return new TimeoutException("RPC at $this->address: no reply within $this->timeout s");
    }

    private function failure(string $message, bool $isUnsent = false): ConnectionException
    {
        return new ConnectionException("RPC at $this->address: $message", $isUnsent);
    }
}
