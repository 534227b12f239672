<?php

/**
 * Loads the classes of this package where Composer does not. `require` this file; there is nothing to install.
 */

declare(strict_types=1);

spl_autoload_register(static function (string $class): void {
    if (str_starts_with($class, 'RR\\')) {
        $path = __DIR__ . '/src/' . strtr(substr($class, strlen('RR\\')), '\\', '/') . '.php';
        if (is_file($path)) {
            require $path;
        }
    }
});
