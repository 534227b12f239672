<?php

declare(strict_types=1);

namespace RR\KeyValue;

use Psr\SimpleCache\InvalidArgumentException;

if (interface_exists(InvalidArgumentException::class)) {
    /** PSR-16's mark of what is thrown for keys that cannot be. */
    interface ArgumentFault extends InvalidArgumentException
    {
    }
} else {
    /** Stands for PSR-16, which is not installed. */
    interface ArgumentFault extends \Throwable
    {
    }
}
