<?php

/** The interfaces of psr/simple-cache and psr/log as version 1, 2 or 3 ($argv[2]) declares them. */

declare(strict_types=1);

$version = (int) $argv[2];
$typed = fn (string $type): string => $version > 1 ? $type : '';
$returns = fn (string $type): string => $version > 2 ? ": $type" : '';
$key = $typed('string') . ' $key';
$ttl = $typed('null|int|\DateInterval') . ' $ttl = null';
$many = $typed('iterable');

$methods = <<<PHP
    public function get($key, {$typed('mixed')} \$default = null){$returns('mixed')};
    public function set($key, {$typed('mixed')} \$value, $ttl){$returns('bool')};
    public function delete($key){$returns('bool')};
    public function clear(){$returns('bool')};
    public function getMultiple($many \$keys, {$typed('mixed')} \$default = null){$returns('iterable')};
    public function setMultiple($many \$values, $ttl){$returns('bool')};
    public function deleteMultiple($many \$keys){$returns('bool')};
    public function has($key){$returns('bool')};
    PHP;
$throwable = $version > 1 ? ' extends \Throwable' : '';
eval("namespace Psr\\SimpleCache; interface CacheInterface { $methods }
    interface CacheException$throwable {} interface InvalidArgumentException extends CacheException {}");

$message = $typed('string|\Stringable') . ' $message, array $context = []';
$methods = '';
foreach (['emergency', 'alert', 'critical', 'error', 'warning', 'notice', 'info', 'debug'] as $level) {
    $methods .= "public function $level($message){$returns('void')};";
}
$methods .= "public function log(\$level, $message){$returns('void')};";
eval("namespace Psr\\Log; interface LoggerInterface { $methods }");
