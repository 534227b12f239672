<?php

declare(strict_types=1);

namespace RR\Logger;

use Psr\Log\LoggerInterface;

// PSR-3's interface where it is installed. Its first version has no types, which PHP takes for other methods.
if (
    interface_exists(LoggerInterface::class)
    && (new \ReflectionMethod(LoggerInterface::class, 'debug'))->getParameters()[0]->hasType()
) {
    /** PSR-3. */
    interface PsrLogger extends LoggerInterface
    {
    }
} else {
    /** Stands for PSR-3, which is not installed. */
    interface PsrLogger
    {
    }
}
