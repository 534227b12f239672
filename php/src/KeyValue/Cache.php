<?php

declare(strict_types=1);

namespace RR\KeyValue;

use Psr\SimpleCache\CacheInterface;

// PSR-16's interface where it is installed. Its first version has no types, which PHP takes for other methods.
if (
    interface_exists(CacheInterface::class)
    && (new \ReflectionMethod(CacheInterface::class, 'get'))->getParameters()[0]->hasType()
) {
    /** PSR-16. */
    interface Cache extends CacheInterface
    {
    }
} else {
    /** Stands for PSR-16, which is not installed. */
    interface Cache
    {
    }
}
