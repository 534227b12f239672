<?php

/**
 * Loads the classes of RR\Tcp. `require` this file; there is nothing to install.
 */

declare(strict_types=1);

spl_autoload_register(static function (string $class): void {
    if (str_starts_with($class, 'RR\\Tcp\\')) {
        require __DIR__ . '/src/' . strtr(substr($class, strlen('RR\\Tcp\\')), '\\', '/') . '.php';
    }
});
