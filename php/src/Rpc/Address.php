<?php

declare(strict_types=1);

namespace RR\Rpc;

/**
 * Where the server's RPC listens, as its configuration and RR_RPC say it.
 *
 * @internal
 */
final class Address
{
    /**
     * What PHP connects to. A server that listens at all addresses (`tcp://:6001`, `tcp://[::]:6001`) is on this
     * machine.
     *
     * @throws \InvalidArgumentException when that is no address
     */
    public static function target(string $address): string
    {
        if (\str_starts_with($address, 'unix://') && \strlen($address) > 7) {
            return $address;
        }
        if (!preg_match('~^tcp://(\[[^\[\]]+]|[^\[\]/]*):(\d{1,5})$~D', $address, $match)) {
            throw new \InvalidArgumentException(
                "RPC address '$address': want tcp://host:port, tcp://[::1]:port or unix:///path"
            );
        }
        [, $host, $port] = $match;
        $host = match ($host) {
            '', '0.0.0.0' => '127.0.0.1',
            '[::]', '::' => '[::1]',
            default => \str_contains($host, ':') && $host[0] !== '[' ? "[$host]" : $host,
        };
        return "tcp://$host:$port";
    }
}
