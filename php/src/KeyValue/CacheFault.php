<?php

declare(strict_types=1);

namespace RR\KeyValue;

use Psr\SimpleCache\CacheException;

if (interface_exists(CacheException::class)) {
    /** PSR-16's mark of exceptions. */
    interface CacheFault extends CacheException
    {
    }
} else {
    /** Stands for PSR-16, which is not installed. */
    interface CacheFault extends \Throwable
    {
    }
}
