<?php

declare(strict_types=1);

namespace RR;

use RR\Rpc\Protobuf;

/**
 * Locks that all who reach the server share: workers, and other processes.
 *
 *     $lock = new RR\Lock(RR\Rpc::create());
 *     $id = $lock->lock("mailbox.$name", ttl: 10, wait: 2) ?: throw new RuntimeException('the mailbox is in use');
 *     try {
 *         …
 *     } finally {
 *         $lock->release("mailbox.$name", $id);
 *     }
 *
 * A lock is held by its id, not by a worker or a connection: when its worker dies it is held until its ttl is over. It
 * is not reentrant. All methods throw {@see Rpc\RpcException} when the call fails.
 *
 * Times are seconds, whole or not, or intervals, of which all parts count.
 */
final class Lock
{
    /** Seconds that a call is given beyond the time for which it asks the server to wait. */
    private const MARGIN = 30.0;
    /** The longest time, so that no reckoning overflows: 100 years of seconds. */
    private const LONGEST = 3_155_760_000;

    public function __construct(private readonly Rpc $rpc)
    {
    }

    /**
     * Locks a resource for one.
     *
     * @param string      $resource the lock's name
     * @param string|null $id       who locks; null: a random one
     * @param int|float|\DateInterval $ttl  after which it is released by itself; 0: a year
     * @param int|float|\DateInterval $wait how long to wait for it; 0: not at all
     * @return string|false the id, for {@see release}; false when somebody else has it
     * @throws Rpc\RpcException
     */
    public function lock(
        string $resource,
        ?string $id = null,
        int|float|\DateInterval $ttl = 0,
        int|float|\DateInterval $wait = 0,
    ): string|false {
        return $this->acquire('lock.Lock', $resource, $id, $ttl, $wait);
    }

    /**
     * Locks a resource for many: others may do so as well, and nobody has it for one meanwhile.
     *
     * @see lock for parameters and result
     * @throws Rpc\RpcException
     */
    public function lockRead(
        string $resource,
        ?string $id = null,
        int|float|\DateInterval $ttl = 0,
        int|float|\DateInterval $wait = 0,
    ): string|false {
        return $this->acquire('lock.LockRead', $resource, $id, $ttl, $wait);
    }

    /**
     * Releases a lock.
     *
     * @return bool false when that id does not hold it
     * @throws Rpc\RpcException
     */
    public function release(string $resource, string $id): bool
    {
        return $this->call('lock.Release', $resource, $id);
    }

    /**
     * Releases all locks of a resource, whoever holds them.
     *
     * @return bool false when nobody does
     * @throws Rpc\RpcException
     */
    public function forceRelease(string $resource): bool
    {
        return $this->call('lock.ForceRelease', $resource);
    }

    /**
     * Whether a resource is locked.
     *
     * @param string|null $id by whom; null: by anybody
     * @throws Rpc\RpcException
     */
    public function exists(string $resource, ?string $id = null): bool
    {
        return $this->call('lock.Exists', $resource, $id ?? '*', isSafe: true);
    }

    /**
     * Has a lock end later, or sooner.
     *
     * @param int|float|\DateInterval $ttl from now; 0: a year
     * @return bool false when that id does not hold it
     * @throws Rpc\RpcException
     */
    public function updateTtl(string $resource, string $id, int|float|\DateInterval $ttl): bool
    {
        return $this->call('lock.UpdateTTL', $resource, $id, Protobuf::integer(3, self::microseconds($ttl)));
    }

    private function acquire(
        string $method,
        string $resource,
        ?string $id,
        int|float|\DateInterval $ttl,
        int|float|\DateInterval $wait,
    ): string|false {
        $id ??= bin2hex(random_bytes(16));
        $wait = self::microseconds($wait);
        $times = Protobuf::integer(3, self::microseconds($ttl)) . Protobuf::integer(4, $wait);
        return $this->call($method, $resource, $id, $times, timeout: $wait / 1e6 + self::MARGIN) ? $id : false;
    }

    private function call(
        string $method,
        string $resource,
        string $id = '',
        string $times = '',
        bool $isSafe = false,
        ?float $timeout = null,
    ): bool {
        $request = Protobuf::bytes(1, $resource) . Protobuf::bytes(2, $id) . $times;
        // Response {1 ok}, left out when it is false.
        return $this->rpc->exchange(Rpc::PROTO, $method, $request, isSafe: $isSafe, timeout: $timeout) === "\x08\x01";
    }

    private static function microseconds(int|float|\DateInterval $time): int
    {
        if ($time instanceof \DateInterval) {
            // Months and years are as long as they are from now on.
            $start = new \DateTimeImmutable('@' . time());
            $end = $start->add($time);
            $microseconds = 1_000_000 * ($end->getTimestamp() - $start->getTimestamp()) + (int) $end->format('u');
        } else {
            $microseconds = is_nan((float) $time) ? -1 : (int) round(1e6 * min(max($time, -1), self::LONGEST));
        }
        return $microseconds >= 0
            ? $microseconds
            : throw new \InvalidArgumentException('a time of a lock is not below 0');
    }
}
