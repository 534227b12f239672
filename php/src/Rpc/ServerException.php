<?php

declare(strict_types=1);

namespace RR\Rpc;

/** The server has refused the call. The connection goes on. */
final class ServerException extends RpcException
{
    /**
     * @param string $method the method that was called
     * @param string $text   what the server says, word for word
     */
    public function __construct(public readonly string $method, public readonly string $text)
    {
        parent::__construct("$method: $text");
    }
}
