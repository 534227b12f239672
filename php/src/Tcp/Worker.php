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

    /** Write the body in clear, then encrypt the connection; see {@see startTls}. */
    public const STARTTLS = 'STARTTLS';

    private const FLAG_CONTROL = 0x01;
    private const FLAG_ERROR = 0x40;

    /** The request that wants an answer. */
    private ?Request $pending = null;
    private bool $ended = false;
    /** Whether the log says that the application forgets to answer. */
    private bool $told = false;

    public function __construct(private readonly Relay $relay)
    {
    }

    public function __destruct()
    {
        $this->relay->end();
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
     * An event that was not answered is answered here: a CLOSE need not be, another is noted in the log and counts as
     * {@see read}. Handshake and stop are dealt with as well.
     *
     * @return Request|null null when the server wants this worker to end, or is gone: leave the loop
     * @throws ProtocolException when what arrives makes no sense
     */
    public function waitRequest(): ?Request
    {
        if ($this->pending !== null) {
            $this->forgotten($this->pending);
        }

        while (!$this->ended && ($flags = $this->relay->receive($context, $body)) !== null) {
            if (($flags & self::FLAG_CONTROL) === 0) {
                return $this->pending = Request::fromContext($context, $body);
            }
            $this->control($body);
        }

        $this->ended = true;
        $this->relay->flush();
        return null;
    }

    /**
     * Answers: write this to the client and keep reading from it.
     *
     * The other arguments say where the next packet ends, in place of the server's `framing` and for that one alone;
     * {@see respond}. After the DATA of SMTP a mail is one event so:
     *
     *     $worker->write("354 End with <CRLF>.<CRLF>\r\n", until: "\r\n.\r\n", keep: 2);
     *
     * @param string|null $until what the next packet ends with: bytes, as they are
     * @param int|null    $need  so many bytes make the next event, with all that is there then
     * @param int         $keep  so many at the end of this packet were not used, and come first in the next one
     * @throws \InvalidArgumentException when these make no sense; the event still wants its answer
     */
    public function write(string $body, ?string $until = null, ?int $need = null, int $keep = 0): void
    {
        $this->respond($body, self::WRITE, $until, $need, $keep);
    }

    /** Answers: write this to the client, then close the connection. */
    public function writeAndClose(string $body): void
    {
        $this->respond($body, self::WRITECLOSE);
    }

    /**
     * Answers: nothing to write, keep reading. The arguments are those of {@see write}.
     *
     * @throws \InvalidArgumentException when these make no sense; the event still wants its answer
     */
    public function read(?string $until = null, ?int $need = null, int $keep = 0): void
    {
        $this->respond('', self::CONTINUE, $until, $need, $keep);
    }

    /** Answers: nothing to write, close the connection. */
    public function close(): void
    {
        $this->respond('', self::CLOSE);
    }

    /**
     * Answers: write this to the client in clear, then encrypt the connection and keep reading.
     *
     * Only where {@see Request::$startTls} says so. What the client said before does not count: its session begins anew.
     */
    public function startTls(string $body): void
    {
        $this->respond($body, self::STARTTLS);
    }

    /**
     * Answers: this worker wants to be replaced; the event goes to another one, and the server will end this one.
     *
     * No more events come from {@see waitRequest}.
     */
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
        $this->send(self::FLAG_ERROR, null, $message);
    }

    /**
     * Answers with any action: one of the constants, or another text that the server understands.
     *
     * WRITE and CONTINUE may say where the next packet ends; docs/protocol.md, "Framing by the answer". A packet is never
     * larger than `max_packet_size`: an `until` or a `need` above it has no effect. RoadRunner knows none of these, and
     * closes the connection.
     *
     * @param string|null $until what the next packet ends with: bytes, as they are; not with `need`
     * @param int|null    $need  so many bytes, 1 or more, make the next event, which has all that is there then
     * @param int         $keep  so many at the end of this packet come first in the next one; 0 to all of them
     * @throws \InvalidArgumentException when these make no sense; the event still wants its answer
     * @throws \LogicException when no request waits for an answer
     */
    public function respond(
        string $body,
        string $action = self::WRITE,
        ?string $until = null,
        ?int $need = null,
        int $keep = 0,
    ): void {
        if ($until !== null || $need !== null || $keep !== 0) {
            $action .= $this->parameters($action, $until, $need, $keep);
        }
        $this->answered();
        $this->send(0, $action, $body);
        if ($body === '' && \str_starts_with($action, '{') && (json_decode($action, true)['stop'] ?? false) === true) {
            // The last thing that this worker says. Events that it has behind this one go to another worker as well.
            $this->ended = true;
            $this->relay->flush();
        }
    }

    /**
     * Writes answers now that would be written when the worker waits for its next event.
     *
     * Answers of quick events that came together go out together. Call this before long work that follows an answer.
     */
    public function flush(): void
    {
        $this->relay->flush();
    }

    /** The parameters of an action, as the server reads them. */
    private function parameters(string $action, ?string $until, ?int $need, int $keep): string
    {
        $most = \strlen($this->pending?->body ?? '');
        $fault = match (true) {
            $action !== self::WRITE && $action !== self::CONTINUE => "$action is not followed by a packet",
            $until !== null && $need !== null => 'until and need exclude each other',
            $until === '' => 'until has no bytes',
            $need !== null && $need < 1 => "need is $need, and must be 1 or more",
            $keep < 0 || $keep > $most => "keep is $keep, and the packet has $most bytes",
            default => null,
        };
        if ($fault !== null && $this->pending !== null) {
            throw new \InvalidArgumentException($fault);
        }
        return ($until === null ? '' : ';until=' . rawurlencode($until))
            . ($need === null ? '' : ";need=$need")
            . ($keep === 0 ? '' : ";keep=$keep");
    }

    private function answered(): void
    {
        if ($this->pending === null) {
            throw new \LogicException('no event is waiting for an answer: it was answered already');
        }
        $this->pending = null;
    }

    /** Handshake and stop; other messages mean nothing to a worker. */
    private function control(string $json): void
    {
        $message = json_decode($json, true);
        if (isset($message['pid'])) {
            // What "batched" promises: docs/protocol.md.
            $this->send(self::FLAG_CONTROL, null, json_encode(['pid' => getmypid(), 'answers' => 'batched']));
        } elseif (($message['stop'] ?? false) === true) {
            $this->ended = true;
        }
    }

    /** The application asks for the next event and has not answered this one. */
    private function forgotten(Request $request): void
    {
        if ($request->event !== Request::CLOSE && !$this->told) {
            $this->told = true;
            error_log("a {$request->event} event was not answered, which counts as read(); said once of each worker");
        }
        $this->read();
    }

    private function send(int $flags, ?string $context, string $body): void
    {
        // Nobody is left to tell about it: the next waitRequest() ends the loop.
        $this->ended = !$this->relay->send($flags, $context, $body) || $this->ended;
    }
}
