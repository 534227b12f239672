<?php

declare(strict_types=1);

namespace RR\KeyValue;

/**
 * When a value expires, as the server wants it: RFC 3339, to the millisecond.
 *
 * @internal
 */
final class Expiry
{
    /** 9999-12-31: a year of five digits is no RFC 3339. What is to expire after it never does. */
    private const LATEST = 253402214400;

    /**
     * @param null|int|\DateInterval $ttl seconds from now; null: never
     * @return string|null null when it has expired; empty when it never does
     */
    public static function encode(null|int|\DateInterval $ttl): ?string
    {
        if ($ttl === null) {
            return '';
        }
        $now = microtime(true);
        if ($ttl instanceof \DateInterval) {
            $start = new \DateTimeImmutable('@' . (int) $now);
            $end = $start->add($ttl);
            $ttl = $end->getTimestamp() - $start->getTimestamp() + (int) $end->format('u') / 1e6;
        }
        if ($ttl <= 0) {
            return null;
        }
        $expiry = $now + $ttl;
        if ($expiry >= self::LATEST) {
            return '';
        }
        $second = (int) $expiry;
        return gmdate('Y-m-d\TH:i:s', $second) . sprintf('.%03dZ', (int) (($expiry - $second) * 1000));
    }
}
