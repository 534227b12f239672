<?php

declare(strict_types=1);

namespace RR;

use RR\KeyValue\Cache;
use RR\KeyValue\Expiry;
use RR\KeyValue\InvalidArgumentException;
use RR\KeyValue\Item;
use RR\KeyValue\KeyValueException;
use RR\Rpc\Protobuf;
use RR\Rpc\RpcException;

/**
 * A storage of the server's `kv` section, which all workers share.
 *
 *     $sessions = new RR\KeyValue(RR\Rpc::create(), 'sessions');
 *     $sessions->set($request->uuid, ['step' => 1], 300);
 *     $session = $sessions->get($request->uuid);
 *
 * It has PSR-16's methods, and implements `Psr\SimpleCache\CacheInterface` where that is installed. Each method is one
 * call and all or nothing, and throws when it fails: there is no `false` for that.
 *
 * Values are stored as serialize() writes them, which is what `spiral/roadrunner-kv` reads, and read by unserialize()
 * with all classes: a storage holds what applications that trust each other have put there. Without serialization
 * values are strings.
 */
final class KeyValue implements Cache
{
    /** Bytes from which a string is not copied when it need not be. */
    private const LARGE = 1024;

    /** The start of each request: the storage's name. */
    private readonly string $start;

    /**
     * @param string $storage   its name below `kv` in the configuration
     * @param bool   $serialize false: values are strings, stored byte for byte
     */
    public function __construct(
        private readonly Rpc $rpc,
        public readonly string $storage,
        private readonly bool $serialize = true,
    ) {
        $this->start = Protobuf::bytes(1, $storage);
    }

    /**
     * The value of a key, or the default when there is none. What {@see increment} counts is an int.
     *
     * @throws InvalidArgumentException when the key is empty or has one of `{}()/\@:`
     * @throws KeyValueException when the call fails, or the value is not what serialize() writes
     */
    public function get(string $key, mixed $default = null): mixed
    {
        $value = $this->value($this->call('kv.MGet', $this->keyItem($key), isSafe: true), $key);
        if ($value === null) {
            return $default;
        }
        return $this->serialize ? $this->decode($value, $key) : $value;
    }

    /**
     * Sets value and expiry of a key.
     *
     * @param null|int|\DateInterval $ttl seconds; null: it does not expire; 0 or less: the key is deleted
     * @return true
     * @throws InvalidArgumentException as of {@see get}; without serialization also when the value is not a string
     * @throws KeyValueException when the call fails
     */
    public function set(string $key, mixed $value, null|int|\DateInterval $ttl = null): bool
    {
        $this->checkKey($key);
        $expiry = Expiry::encode($ttl);
        if ($expiry === null) {
            return $this->delete($key);
        }
        $this->store('kv.Set', $key, $value, $expiry);
        return true;
    }

    /**
     * Sets value and expiry of a key that does not exist, as one step: of several workers one gets true.
     *
     * @param null|int|\DateInterval $ttl seconds; null: it does not expire; 0 or less: nothing is stored
     * @return bool whether it was stored; false when the key exists
     * @throws InvalidArgumentException as of {@see set}
     * @throws KeyValueException when the call fails; RoadRunner does not have this method
     */
    public function add(string $key, mixed $value, null|int|\DateInterval $ttl = null): bool
    {
        $this->checkKey($key);
        $expiry = Expiry::encode($ttl);
        if ($expiry === null) {
            return !$this->has($key);
        }
        return $this->store('kv.Add', $key, $value, $expiry) !== '';
    }

    /**
     * Adds to a counter as one step: no increment of another worker is lost. A key that does not exist counts from 0.
     *
     * A counter is what this method began; {@see set} stores another kind of value, which it refuses.
     *
     * @param int $by what to add, also less than 0
     * @param null|int|\DateInterval $ttl seconds from the counter's start; one that exists keeps its expiry
     * @return int the new value
     * @throws InvalidArgumentException as of {@see get}, and when the ttl is 0 or less
     * @throws KeyValueException when the value is no counter, or the sum is no 64-bit integer, or the call fails;
     *     RoadRunner does not have this method
     */
    public function increment(string $key, int $by = 1, null|int|\DateInterval $ttl = null): int
    {
        $this->checkKey($key);
        $expiry = Expiry::encode($ttl) ?? throw new InvalidArgumentException('a counter is not to expire at once');
        return (int) $this->value($this->call('kv.Incr', Item::encode($key, (string) $by, $expiry)), $key);
    }

    /**
     * Deletes a key; one that does not exist is fine.
     *
     * @return true
     * @throws InvalidArgumentException as of {@see get}
     * @throws KeyValueException when the call fails
     */
    public function delete(string $key): bool
    {
        $this->call('kv.Delete', $this->keyItem($key));
        return true;
    }

    /**
     * Deletes all keys of the storage.
     *
     * @return true
     * @throws KeyValueException when the call fails
     */
    public function clear(): bool
    {
        $this->call('kv.Clear', '');
        return true;
    }

    /**
     * The values of many keys, with the default for those that do not exist.
     *
     * @param iterable<string> $keys
     * @return array<mixed> by key, in the order of the keys
     * @throws InvalidArgumentException as of {@see get}
     * @throws KeyValueException as of {@see get}
     */
    public function getMultiple(iterable $keys, mixed $default = null): iterable
    {
        $request = '';
        $values = [];
        foreach ($keys as $key) {
            $key = $this->stringKey($key);
            $request .= $this->keyItem($key);
            $values[$key] = $default;
        }
        if ($values !== []) {
            foreach ($this->items($this->call('kv.MGet', $request, isSafe: true)) as $item) {
                $values[$item->key] = $this->decode($item->value, $item->key);
            }
        }
        return $values;
    }

    /**
     * Sets many keys with one expiry: all of them, or none when it fails.
     *
     * @param iterable<string, mixed> $values by key
     * @param null|int|\DateInterval $ttl as of {@see set}
     * @return true
     * @throws InvalidArgumentException as of {@see set}
     * @throws KeyValueException when the call fails
     */
    public function setMultiple(iterable $values, null|int|\DateInterval $ttl = null): bool
    {
        $expiry = Expiry::encode($ttl);
        $request = '';
        foreach ($values as $key => $value) {
            $key = $this->stringKey($key);
            $this->checkKey($key);
            $request .= $expiry === null ? Item::encode($key) : Item::encode($key, $this->encode($value), $expiry);
        }
        if ($request !== '') {
            $this->call($expiry === null ? 'kv.Delete' : 'kv.Set', $request);
        }
        return true;
    }

    /**
     * Deletes many keys; those that do not exist are fine.
     *
     * @param iterable<string> $keys
     * @return true
     * @throws InvalidArgumentException as of {@see get}
     * @throws KeyValueException when the call fails
     */
    public function deleteMultiple(iterable $keys): bool
    {
        $request = '';
        foreach ($keys as $key) {
            $request .= $this->keyItem($this->stringKey($key));
        }
        if ($request !== '') {
            $this->call('kv.Delete', $request);
        }
        return true;
    }

    /**
     * Whether a key exists.
     *
     * @throws InvalidArgumentException as of {@see get}
     * @throws KeyValueException when the call fails
     */
    public function has(string $key): bool
    {
        return $this->call('kv.Has', $this->keyItem($key), isSafe: true) !== '';
    }

    /**
     * When a key expires, to the second.
     *
     * @return \DateTimeImmutable|null null when the key does not exist, or does not expire
     * @throws InvalidArgumentException as of {@see get}
     * @throws KeyValueException when the call fails
     */
    public function getTtl(string $key): ?\DateTimeImmutable
    {
        $items = $this->items($this->call('kv.TTL', $this->keyItem($key), isSafe: true));
        $time = $items === [] ? '' : $items[0]->timeout;
        return $time === '' ? null : new \DateTimeImmutable($time);
    }

    private function store(string $method, string $key, mixed $value, string $expiry): string
    {
        if (!$this->serialize || !\is_string($value) || \strlen($value) < self::LARGE) {
            $value = $this->encode($value);
            return $this->call($method, Item::encodeHead($key, $expiry, \strlen($value)), $value);
        }
        // What serialize() writes, without a copy of the value.
        $start = 's:' . \strlen($value) . ':"';
        $size = \strlen($start) + \strlen($value) + 2;
        return $this->call($method, Item::encodeHead($key, $expiry, $size) . $start, $value, '";');
    }

    private function call(
        string $method,
        string $items,
        string $value = '',
        string $end = '',
        bool $isSafe = false,
    ): string {
        try {
            return $this->rpc->exchange(Rpc::PROTO, $method, $this->start . $items, $value, $end, $isSafe);
        } catch (RpcException $error) {
            throw new KeyValueException($error->getMessage(), previous: $error);
        }
    }

    private function value(string $response, string $key): ?string
    {
        try {
            return Item::decodeValue($response, $key);
        } catch (RpcException $error) {
            throw new KeyValueException($error->getMessage(), previous: $error);
        }
    }

    /** @return list<Item> */
    private function items(string $response): array
    {
        try {
            return Item::decodeAll($response);
        } catch (RpcException $error) {
            throw new KeyValueException($error->getMessage(), previous: $error);
        }
    }

    private function keyItem(string $key): string
    {
        $this->checkKey($key);
        return Item::encodeHead($key);
    }

    private function checkKey(string $key): void
    {
        if (\strpbrk($key, '{}()/\\@:') !== false || \trim($key) === '') {
            throw new InvalidArgumentException("key '$key': want a text that is not empty, without any of {}()/\\@:");
        }
    }

    /** PHP makes ints of keys that look like them. */
    private function stringKey(mixed $key): string
    {
        return \is_string($key) || \is_int($key)
            ? (string) $key
            : throw new InvalidArgumentException('a key is a string, not ' . get_debug_type($key));
    }

    private function encode(mixed $value): string
    {
        if ($this->serialize) {
            return \serialize($value);
        }
        return \is_string($value)
            ? $value
            : throw new InvalidArgumentException('without serialization values are strings, not '
                . get_debug_type($value));
    }

    private function decode(string $value, string $key): mixed
    {
        if (!$this->serialize) {
            return $value;
        }
        // Nothing that serialize() writes begins like a number, so that is a counter.
        if ($value !== '' && $value[0] <= '9') {
            return (int) $value;
        }
        $result = @\unserialize($value);
        return $result !== false || $value === 'b:0;'
            ? $result
            : throw new KeyValueException("the value of key '$key' is not what serialize() writes");
    }
}
