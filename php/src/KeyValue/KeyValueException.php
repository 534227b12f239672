<?php

declare(strict_types=1);

namespace RR\KeyValue;

use RR\Rpc\RpcException;

/** A call of a storage that has failed; the previous exception tells how. */
final class KeyValueException extends RpcException implements CacheFault
{
}
