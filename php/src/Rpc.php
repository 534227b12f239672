<?php

declare(strict_types=1);

namespace RR;

use RR\Rpc\Address;
use RR\Rpc\Connection;
use RR\Rpc\ConnectionException;
use RR\Rpc\RpcException;
use RR\Rpc\ServerException;
use RR\Rpc\TimeoutException;

use function hrtime;

/**
 * Calls of the server's methods: from its workers, and from any other process that reaches `rpc.listen`.
 *
 *     $rpc = RR\Rpc::create();
 *     $rpc->call('tcp.Close', $uuid);
 *
 * It connects at the first call. {@see KeyValue}, {@see Lock}, {@see Metrics}, {@see Logger}, {@see WorkerPool} and
 * {@see Connections} have a method for each of the server's; one connection serves them all.
 *
 * A connection that the server has closed is opened again, once, when the call has not reached the server or may be
 * repeated. A process that forks makes an Rpc of its own in the child.
 */
final class Rpc
{
    /** Arguments and results are PHP values. */
    public const JSON = 0x08;
    /** Arguments and results are strings: encoded protobuf messages. */
    public const PROTO = 0x80;
    /** Arguments and results are strings, which the method takes and returns as they are. */
    public const RAW = 0x04;

    /** Where the server listens when its configuration and RR_RPC do not say it. */
    public const DEFAULT_ADDRESS = 'tcp://127.0.0.1:6001';

    /** Calls that were sent, and neither received nor discarded. */
    private const MOST_CALLS = 10_000;
    /** Calls whose replies are for nobody, until they are taken: the server would have to hold more of them back. */
    private const MOST_DISCARDED = 1000;
    /** Bytes of calls that are gathered before they are written. */
    private const MOST_GATHERED = 65536;
    private const LARGEST_ID = 0xFFFFFFFF;
    /** A connection that was not used for so long is looked at first: 1 s. */
    private const IDLE_NANOSECONDS = 1_000_000_000;

    private readonly string $target;
    private readonly int $process;
    private ?Connection $connection = null;
    private int $usedAt = 0;
    private int $lastId = 0;
    /** @var array<int, int|null> codecs of the calls that wait for their reply, by id; null: the reply is for nobody */
    private array $calls = [];
    /** How many of the calls have a reply that is for nobody. */
    private int $discarded = 0;
    /** @var array<int, array{int, string}|RpcException> codec and encoded result of replies that wait for receive() */
    private array $replies = [];
    /** Sent and not written yet. */
    private string $gathered = '';

    /**
     * @param string $address        `tcp://host:port`, `tcp://[::1]:port`, `unix:///path` or `unix://relative/path`
     * @param float  $connectTimeout seconds
     * @param float  $callTimeout    seconds until a reply, unless the call has its own
     * @throws \InvalidArgumentException when that is no address
     */
    public function __construct(
        string $address = self::DEFAULT_ADDRESS,
        private readonly float $connectTimeout = 5.0,
        private readonly float $callTimeout = 30.0,
    ) {
        $this->target = Address::target($address);
        $this->process = getmypid();
    }

    /** The server that has started this process: the address is that of RR_RPC, or else the default. */
    public static function create(): self
    {
        return new self(getenv('RR_RPC') ?: self::DEFAULT_ADDRESS);
    }

    /**
     * Calls a method and waits for its result.
     *
     * @param string     $method   `service.Method`
     * @param mixed      $argument what json_encode() takes; a string with the codecs PROTO and RAW
     * @param bool       $isSafe   whether the call may be executed twice, as when it only reads
     * @param float|null $timeout  seconds until the reply; null: as for all calls
     * @return mixed the result; a string with the codecs PROTO and RAW
     * @throws ServerException when the server refuses the call
     * @throws ConnectionException when the server cannot be reached
     * @throws TimeoutException when no reply comes in time
     * @throws \JsonException when the argument cannot be encoded, or the result is not JSON
     */
    public function call(
        string $method,
        mixed $argument = null,
        int $codec = self::JSON,
        bool $isSafe = false,
        ?float $timeout = null,
    ): mixed {
        $encoded = self::encode($argument, $codec);
        return self::decode($this->exchange($codec, $method, $encoded, isSafe: $isSafe, timeout: $timeout), $codec);
    }

    /**
     * The same with argument and result encoded. The argument may be in three parts: the second one is copied less, so
     * what may be large is there.
     *
     * @throws RpcException
     */
    public function exchange(
        int $codec,
        string $method,
        string $argument,
        string $value = '',
        string $end = '',
        bool $isSafe = false,
        ?float $timeout = null,
    ): string {
        if ($this->calls !== []) {
            return $this->await($this->start($codec, $method, $argument . $value . $end), $timeout)[1];
        }
        while (true) {
            $now = hrtime(true);
            $isIdle = $now - $this->usedAt > self::IDLE_NANOSECONDS;
            $this->usedAt = $now;
            $isFresh = ($isIdle || $this->connection === null) && $this->connect();
            $id = $this->lastId = $this->lastId === self::LARGEST_ID ? 1 : $this->lastId + 1;
            try {
                $timeout ??= $this->callTimeout;
                return $this->connection->call($codec, $id, $method, $argument, $value, $end, $timeout);
            } catch (ServerException $error) {
                throw $error;
            } catch (RpcException $error) {
                $this->disconnect();
                if ($isFresh || !$error instanceof ConnectionException || !($error->isUnsent || $isSafe)) {
                    throw $error;
                }
            }
        }
    }

    /**
     * Begins a call, and does not wait: {@see receive} does. Many calls sent so take little longer than one.
     *
     * Calls are gathered, and written when {@see receive} or {@see flush} is called or when they are 64 KiB. The server
     * executes them at the same time, so one that needs another one's effect waits for its result first.
     *
     * @param mixed $argument as of {@see call}
     * @return int what {@see receive} or {@see discard} is to be called with
     * @throws \LogicException when 10,000 calls were sent, and neither received nor discarded
     * @throws ConnectionException when the server cannot be reached
     * @throws \JsonException when the argument cannot be encoded
     */
    public function send(string $method, mixed $argument = null, int $codec = self::JSON): int
    {
        return $this->start($codec, $method, self::encode($argument, $codec));
    }

    /**
     * Waits for the result of a call that was sent, in any order.
     *
     * @param int $id what {@see send} has returned
     * @param float|null $timeout seconds from now; null: as for all calls
     * @return mixed as of {@see call}
     * @throws RpcException as of {@see call}
     * @throws \LogicException when no such call was sent, or its result was received or discarded
     */
    public function receive(int $id, ?float $timeout = null): mixed
    {
        [$codec, $result] = $this->await($id, $timeout);
        return self::decode($result, $codec);
    }

    /** Nobody will ask for the result of a call that was sent, nor for its error. */
    public function discard(int $id): void
    {
        unset($this->replies[$id]);
        if (isset($this->calls[$id])) {
            $this->calls[$id] = null;
            $this->discarded++;
        }
    }

    /**
     * Writes the calls that were sent and are not written yet.
     *
     * @throws RpcException
     */
    public function flush(): void
    {
        if ($this->gathered !== '') {
            $frames = $this->gathered;
            $this->gathered = '';
            $this->onConnection(fn (Connection $connection) => $connection->write($frames, $this->callTimeout));
        }
    }

    /** The server's version, as RR_VERSION has it. */
    public function version(): string
    {
        return $this->call('rpc.Version', true, isSafe: true);
    }

    public function __destruct()
    {
        // A process that this one has forked has a copy of what was gathered, which is not its to write.
        if ($this->gathered === '' || getmypid() !== $this->process) {
            return;
        }
        try {
            $this->flush();
        } catch (RpcException) {
            // Nobody has asked for the results.
        }
    }

    /**
     * Connects unless there is a connection that works.
     *
     * @return bool whether it is a new one
     */
    private function connect(): bool
    {
        if ($this->connection !== null && !$this->connection->isGone()) {
            return false;
        }
        $this->disconnect();
        $this->connection = Connection::open($this->target, $this->connectTimeout);
        return true;
    }

    private function disconnect(): void
    {
        // Not left to the last reference: an exception that somebody keeps may be one.
        $this->connection?->close();
        $this->connection = null;
    }

    private function start(int $codec, string $method, string $argument): int
    {
        if ($this->discarded >= self::MOST_DISCARDED) {
            $this->takeDiscarded();
        }
        if (\count($this->calls) + \count($this->replies) >= self::MOST_CALLS) {
            throw new \LogicException('too many calls were sent: receive() or discard() their results');
        }
        if ($this->calls === []) {
            $this->connect();
        }
        do {
            $id = $this->lastId = $this->lastId === self::LARGEST_ID ? 1 : $this->lastId + 1;
        } while (\array_key_exists($id, $this->calls) || isset($this->replies[$id]));
        $this->calls[$id] = $codec;
        $this->gathered .= Connection::frame($codec, $id, $method, $argument);
        if (\strlen($this->gathered) > self::MOST_GATHERED) {
            try {
                $this->flush();
            } catch (RpcException) {
                // All calls have it as their result.
            }
        }
        return $id;
    }

    /** Takes replies until none of those that are for nobody is outstanding. */
    private function takeDiscarded(): void
    {
        try {
            $this->flush();
            while ($this->discarded > 0) {
                $this->onConnection(fn (Connection $one) => $this->take(...$one->receive($this->callTimeout)));
            }
        } catch (RpcException) {
            // All calls have it as their result.
        }
    }

    /** @return array{int, string} codec and encoded result */
    private function await(int $id, ?float $timeout): array
    {
        $timeout ??= $this->callTimeout;
        $deadline = hrtime(true) + 1e9 * $timeout;
        try {
            while (isset($this->calls[$id])) {
                $this->flush();
                $this->onConnection(function (Connection $connection) use ($timeout, $deadline): void {
                    if (hrtime(true) > $deadline) {
                        throw new TimeoutException("RPC at $this->target: no reply within $timeout s");
                    }
                    $this->take(...$connection->receive($timeout));
                });
            }
        } catch (RpcException) {
            // The calls that were lost have it as their result.
        }
        $reply = $this->replies[$id] ?? throw new \LogicException("no call $id waits for its result");
        unset($this->replies[$id]);
        return $reply instanceof RpcException ? throw $reply : $reply;
    }

    private function take(int $id, int $flags, string $method, string $result): void
    {
        if (!\array_key_exists($id, $this->calls)) {
            throw new ConnectionException("RPC at $this->target: a reply to call $id came, which was not made");
        }
        $codec = $this->calls[$id];
        unset($this->calls[$id]);
        if ($codec === null) {
            $this->discarded--;
        } else {
            $isError = ($flags & Connection::ERROR) !== 0;
            $this->replies[$id] = $isError ? new ServerException($method, $result) : [$codec, $result];
        }
    }

    /** Does something on the connection. When that fails all calls that wait for their reply are lost. */
    private function onConnection(\Closure $body): void
    {
        try {
            $body($this->connection);
        } catch (RpcException $error) {
            $this->disconnect();
            $this->gathered = '';
            foreach ($this->calls as $id => $codec) {
                if ($codec !== null) {
                    $this->replies[$id] = $error;
                }
            }
            $this->calls = [];
            $this->discarded = 0;
            throw $error;
        }
    }

    private static function encode(mixed $argument, int $codec): string
    {
        if ($codec === self::JSON) {
            return json_encode($argument, JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE);
        }
        return \is_string($argument) ? $argument : throw new \TypeError('with this codec the argument is a string');
    }

    private static function decode(string $result, int $codec): mixed
    {
        return $codec === self::JSON ? json_decode($result, true, flags: JSON_THROW_ON_ERROR) : $result;
    }
}
