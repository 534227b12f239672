<?php

declare(strict_types=1);

namespace RR\Tcp;

/**
 * A worker of the TCP service: takes one event after the other, and answers each exactly once.
 *
 *     $worker = RR\Tcp\Worker::create();
 *     while ($request = $worker->waitRequest()) {
 *         match ($request->event) {
 *             RR\Tcp\Request::CONNECTED => $worker->read(),
 *             RR\Tcp\Request::DATA => $worker->write('You said ' . $request->body),
 *             RR\Tcp\Request::CLOSE => $worker->close(),
 *         };
 *     }
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
 */
final class Worker
{
    /** What an answer asks of the server: write the body, keep reading. */
    public const WRITE = 'WRITE';
    /** Write the body, then close the connection. */
    public const WRITECLOSE = 'WRITECLOSE';
    /** Keep reading, write nothing. */
    public const CONTINUE = 'CONTINUE';
    /** Close the connection, write nothing. */
    public const CLOSE = 'CLOSE';

    private const HEADER_SIZE = 12;
    private const FLAG_CONTROL = 0x01;
    private const FLAG_ERROR = 0x40;
    /** Up to here header, context and body are joined: one system call. Larger bodies are not copied. */
    private const JOIN_LIMIT = 65536;

    /** The request that wants an answer. */
    private ?Request $pending = null;
    private bool $ended = false;

    public function __construct(private readonly Relay $relay)
    {
    }

    /**
     * The worker of this process, on the relay that the server names in RR_RELAY (`pipes` when it does not).
     *
     * With pipes, standard output belongs to the protocol: what `echo`, `print` or a PHP warning would put there goes
     * to standard error instead, and so into the server's log.
     */
    public static function create(): self
    {
        if (PHP_SAPI === 'cli') {
            // Once: PHP's error log is standard error too unless php.ini names a file.
            ini_set('display_errors', ini_get('log_errors') && !ini_get('error_log') ? '0' : 'stderr');
        }
        ob_start(static function (string $output): string {
            fwrite(STDERR, $output);
            return '';
        }, 1);
        return new self(Relay::connect(getenv('RR_RELAY') ?: 'pipes'));
    }

    /**
     * Waits for the next event.
     *
     * A CLOSE event that was not answered is answered here. Handshake and stop are dealt with as well.
     *
     * @return Request|null null when the server wants this worker to end, or is gone: leave the loop
     * @throws ProtocolException when what arrives makes no sense
     * @throws \LogicException when the event before, not a CLOSE, was not answered: its client would wait for ever
     */
    public function waitRequest(): ?Request
    {
        if ($this->pending !== null) {
            if ($this->pending->event !== Request::CLOSE) {
                throw new \LogicException("the {$this->pending->event} event was not answered");
            }
            $this->read();
        }

        while (!$this->ended && ($header = $this->relay->read(self::HEADER_SIZE)) !== null) {
            [$flags, $optionCount, $length] = self::parseHeader($header);
            $options = $optionCount === 0 ? '' : $this->relay->read(4 * $optionCount);
            if ($options === null) {
                break;
            }

            if (($flags & self::FLAG_CONTROL) !== 0) {
                $message = $this->relay->read($length);
                if ($message === null) {
                    break;
                }
                $this->control($message);
                continue;
            }

            $contextLength = $optionCount === 0 ? -1 : unpack('V', $options)[1];
            if ($contextLength < 0 || $contextLength > $length) {
                throw new ProtocolException("a request of $length bytes with a context of $contextLength");
            }
            $context = $this->relay->read($contextLength);
            $body = $context === null ? null : $this->relay->read($length - $contextLength);
            if ($body === null) {
                break;
            }
            return $this->pending = Request::fromContext($context, $body);
        }

        $this->ended = true;
        return null;
    }

    /** Answers: write this to the client and keep reading from it. */
    public function write(string $body): void
    {
        $this->respond($body, self::WRITE);
    }

    /** Answers: write this to the client, then close the connection. */
    public function writeAndClose(string $body): void
    {
        $this->respond($body, self::WRITECLOSE);
    }

    /** Answers: nothing to write, keep reading. */
    public function read(): void
    {
        $this->respond('', self::CONTINUE);
    }

    /** Answers: nothing to write, close the connection. */
    public function close(): void
    {
        $this->respond('', self::CLOSE);
    }

    /** Answers: this worker wants to be replaced; the event goes to another one, and the server will end this one. */
    public function stop(): void
    {
        $this->respond('', '{"stop":true}');
    }

    /**
     * Answers: the event failed. The server logs the message and closes the connection; the worker stays.
     *
     * @throws \LogicException when no request waits for an answer
     */
    public function error(string $message): void
    {
        $this->answered();
        $this->send(self::FLAG_ERROR, '', $message);
    }

    /**
     * Answers with any action: one of the constants, or another text that the server understands.
     *
     * @throws \LogicException when no request waits for an answer
     */
    public function respond(string $body, string $action = self::WRITE): void
    {
        $this->answered();
        $this->send(0, $action, $body, contextLength: strlen($action));
    }

    private function answered(): void
    {
        if ($this->pending === null) {
            throw new \LogicException('no event is waiting for an answer: it was answered already');
        }
        $this->pending = null;
    }

    /** @return array{int, int, int} flags, number of options, payload length */
    private static function parseHeader(string $header): array
    {
        $fields = unpack('Cversion/Cflags/Vlength/Vcrc', $header);
        $words = $fields['version'] & 0x0F;
        if ($fields['version'] >> 4 !== 1 || $words < 3 || crc32(substr($header, 0, 6)) !== $fields['crc']) {
            throw new ProtocolException('not the header of a frame: ' . bin2hex($header));
        }
        return [$fields['flags'], $words - 3, $fields['length']];
    }

    /** Handshake and stop; other messages mean nothing to a worker. */
    private function control(string $json): void
    {
        $message = json_decode($json, true);
        if (isset($message['pid'])) {
            $this->send(self::FLAG_CONTROL, '', json_encode(['pid' => getmypid()]));
        } elseif (($message['stop'] ?? false) === true) {
            $this->ended = true;
        }
    }

    /** @param int|null $contextLength the frame's one option; null for a frame without options */
    private function send(int $flags, string $context, string $body, ?int $contextLength = null): void
    {
        $words = $contextLength === null ? 3 : 4;
        $start = pack('CCV', 1 << 4 | $words, $flags, strlen($context) + strlen($body));
        $head = $start . pack('Vv', crc32($start), 0);
        if ($contextLength !== null) {
            $head .= pack('V', $contextLength);
        }
        $head .= $context;

        if (strlen($body) <= self::JOIN_LIMIT) {
            $sent = $this->relay->write($head . $body);
        } else {
            $sent = $this->relay->write($head) && $this->relay->write($body);
        }
        // Nobody is left to tell about it: the next waitRequest() ends the loop.
        $this->ended = $this->ended || !$sent;
    }
}
