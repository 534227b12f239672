<?php

declare(strict_types=1);

namespace RR\Rpc;

/**
 * As much of protobuf's encoding as the server's messages need: strings, bytes, messages, and integers.
 *
 * @internal
 */
final class Protobuf
{
    /** A string, bytes or an encoded message; nothing when it is empty, as in proto3. */
    public static function bytes(int $field, string $value): string
    {
        return $value === '' ? '' : self::element($field, $value);
    }

    /** The same, also when it is empty: an element of a repeated field. */
    public static function element(int $field, string $value): string
    {
        return self::varint($field << 3 | 2) . self::varint(\strlen($value)) . $value;
    }

    /** An integer, also when it is 0: an optional field that is set. */
    public static function integer(int $field, int $value): string
    {
        return self::varint($field << 3) . self::varint($value);
    }

    public static function varint(int $value): string
    {
        $bytes = '';
        while ($value > 0x7F || $value < 0) {
            $bytes .= \chr($value & 0x7F | 0x80);
            // A negative one has ten bytes: zeros come in from the left.
            $value = $value >> 7 & \PHP_INT_MAX >> 6;
        }
        return $bytes . \chr($value);
    }

    /**
     * The strings, bytes and messages in a message, in their order. Fields of other kinds are passed over.
     *
     * @return list<array{int, string}> number and value
     * @throws RpcException when that is no message
     */
    public static function strings(string $message): array
    {
        $strings = [];
        $offset = 0;
        while ($offset < \strlen($message)) {
            $tag = self::readVarint($message, $offset);
            if (($tag & 7) === 0) {
                self::readVarint($message, $offset);
                continue;
            }
            $length = match ($tag & 7) {
                1 => 8,
                2 => self::readVarint($message, $offset),
                5 => 4,
                default => throw new RpcException('not a protobuf message: wire type ' . ($tag & 7)),
            };
            if ($length < 0 || $length > \strlen($message) - $offset) {
                throw new RpcException('not a protobuf message: it is cut off');
            }
            if (($tag & 7) === 2) {
                $strings[] = [$tag >> 3, \substr($message, $offset, $length)];
            }
            $offset += $length;
        }
        return $strings;
    }

    private static function readVarint(string $message, int &$offset): int
    {
        $value = 0;
        for ($shift = 0; $shift < 70; $shift += 7) {
            if ($offset >= \strlen($message)) {
                throw new RpcException('not a protobuf message: it is cut off');
            }
            $byte = \ord($message[$offset++]);
            $value |= ($byte & 0x7F) << $shift;
            if ($byte < 0x80) {
                return $value;
            }
        }
        throw new RpcException('not a protobuf message: a number of more than ten bytes');
    }
}
