<?php

declare(strict_types=1);

namespace RR;

/**
 * The clients' connections, by the uuid that their events have.
 *
 *     $connections = new RR\Connections(RR\Rpc::create());
 *     $connections->close($uuid);
 */
final class Connections
{
    public function __construct(private readonly Rpc $rpc)
    {
    }

    /**
     * Closes a connection at once; an answer that is on its way is dropped. Its CLOSE event comes as ever. One that is
     * closed already, or that never was, is fine.
     *
     * @throws Rpc\RpcException
     */
    public function close(string $uuid): void
    {
        $this->rpc->call('tcp.Close', $uuid);
    }
}
