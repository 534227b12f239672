<?php

declare(strict_types=1);

namespace RR\Rpc;

/** No reply came in time. Whether the server has executed the call is not known. The next call connects again. */
final class TimeoutException extends RpcException
{
}
