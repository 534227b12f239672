<?php

/**
 * Sets a key and gets it, one pair after the other: pairs.php rr|redis ADDRESS BYTES.
 *
 * For each line of standard input, which says for how many seconds, one with how many and with what CPU time.
 */

declare(strict_types=1);

use RR\KeyValue;
use RR\Rpc;

require __DIR__ . '/../../php/autoload.php';

const KEYS = 1000;

[, $server, $address, $size] = $argv;
if ($server === 'rr') {
    $storage = new KeyValue(new Rpc($address), 'bench', serialize: false);
} else {
    $storage = new Redis();
    str_starts_with($address, 'unix://')
        ? $storage->connect(substr($address, 7))
        : $storage->connect(parse_url($address, PHP_URL_HOST), parse_url($address, PHP_URL_PORT));
}
$value = random_bytes((int) $size);
$keys = array_map(fn (int $i): string => sprintf('%d-%04d', getmypid(), $i), range(0, KEYS - 1));
foreach ($keys as $key) {
    $storage->set($key, $value);
}

function cpu(): float
{
    $usage = getrusage();
    return $usage['ru_utime.tv_sec'] + $usage['ru_stime.tv_sec']
        + ($usage['ru_utime.tv_usec'] + $usage['ru_stime.tv_usec']) / 1e6;
}

echo "ready\n";
while ($line = fgets(STDIN)) {
    $pairs = 0;
    $before = cpu();
    $start = hrtime(true);
    $end = $start + (int) (1e9 * (float) $line);
    do {
        foreach ($keys as $key) {
            $storage->set($key, $value);
            if ($storage->get($key) !== $value) {
                throw new RuntimeException("$server has lost $key");
            }
            $pairs++;
            if (($now = hrtime(true)) >= $end) {
                break;
            }
        }
    } while ($now < $end);
    echo json_encode(['pairs' => $pairs, 'seconds' => ($now - $start) / 1e9, 'cpu' => cpu() - $before]), "\n";
}
