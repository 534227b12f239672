<?php

declare(strict_types=1);

namespace RR\KeyValue;

use RR\Rpc\Protobuf;
use RR\Rpc\RpcException;

use function chr;
use function ord;
use function strlen;
use function substr;

/**
 * The server's messages of kv: Request {1 storage, 2 items}, Response {1 items}, Item {1 key, 2 value, 3 timeout}.
 *
 * By hand, not by {@see Protobuf}: an application calls them for each packet.
 *
 * @internal
 */
final class Item
{
    public function __construct(
        public readonly string $key,
        public readonly string $value = '',
        public readonly string $timeout = '',
    ) {
    }

    /** One of a request's items. */
    public static function encode(string $key, string $value = '', string $timeout = ''): string
    {
        return self::encodeHead($key, $timeout, strlen($value)) . $value;
    }

    /**
     * The same without the value, which follows. So large values are copied once, into the frame.
     *
     * @param int $size bytes of the value
     */
    public static function encodeHead(string $key, string $timeout = '', int $size = 0): string
    {
        $length = strlen($key);
        $head = ($length < 0x80 ? "\x0a" . chr($length) : "\x0a" . Protobuf::varint($length)) . $key;
        if ($timeout !== '') {
            $head .= "\x1a" . chr(strlen($timeout)) . $timeout;
        }
        if ($size !== 0) {
            $head .= $size < 0x80 ? "\x12" . chr($size) : "\x12" . Protobuf::varint($size);
        }
        $length = strlen($head) + $size;
        return ($length < 0x80 ? "\x12" . chr($length) : "\x12" . Protobuf::varint($length)) . $head;
    }

    /**
     * The items of a response.
     *
     * @return list<self>
     * @throws RpcException when that is no response
     */
    public static function decodeAll(string $response): array
    {
        $items = [];
        foreach (Protobuf::strings($response) as [$field, $item]) {
            if ($field === 1) {
                $parts = [1 => '', '', ''];
                foreach (Protobuf::strings($item) as [$part, $value]) {
                    $parts[$part] = $value;
                }
                $items[] = new self($parts[1], $parts[2], $parts[3]);
            }
        }
        return $items;
    }

    /**
     * The value of the only item of a response.
     *
     * @param string $key whose item it is
     * @return string|null null when there is none
     * @throws RpcException when that is no response
     */
    public static function decodeValue(string $response, string $key): ?string
    {
        if ($response === '') {
            return null;
        }
        // In the usual case the item has a key and a value: all but the lengths is known, and the value is the rest.
        $size = strlen($response);
        $offset = 1;
        while ($offset < $size && ord($response[$offset]) >= 0x80) {
            $offset++;
        }
        $length = strlen($key);
        $start = "\x0a" . chr($length) . $key . "\x12";
        if (
            $length < 0x80 && $offset + 1 < $size
            && \substr_compare($response, $start, $offset + 1, $length + 3) === 0
        ) {
            $offset += $length + 4;
            $value = $shift = 0;
            do {
                $byte = $offset < $size ? ord($response[$offset++]) : 0;
                $value |= ($byte & 0x7F) << $shift;
                $shift += 7;
            } while ($byte >= 0x80 && $shift < 35);
            if ($offset + $value === $size) {
                return substr($response, $offset);
            }
        }
        foreach (self::decodeAll($response) as $item) {
            if ($item->key === $key) {
                return $item->value;
            }
        }
        return null;
    }
}
