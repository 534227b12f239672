<?php

declare(strict_types=1);

namespace RR\Rpc;

/** The server cannot be reached, or the connection was lost; the next call connects again. */
final class ConnectionException extends RpcException
{
    /**
     * @param bool $isUnsent whether the server has surely not executed the call: it never got all of it
     */
    public function __construct(string $message, public readonly bool $isUnsent = false)
    {
        parent::__construct($message);
    }
}
