<?php

declare(strict_types=1);

namespace RR\Rpc;

/** A call that has failed: {@see ServerException}, {@see ConnectionException} or {@see TimeoutException}. */
class RpcException extends \RuntimeException
{
}
