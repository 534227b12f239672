<?php

declare(strict_types=1);

namespace RR\Tests;

use PHPUnit\Framework\TestCase;

/** The interfaces of PSR-3 and PSR-16, which are implemented where they are installed. */
final class PsrTest extends TestCase
{
    /** @dataProvider versions */
    public function testVersions(int $version, bool $isImplemented): void
    {
        $code = <<<'PHP'
            require $argv[1];
            $argv[2] === '0' || require $argv[3];
            $storage = new RR\KeyValue(new RR\Rpc(), 'test');
            $logger = new RR\Logger(new RR\Rpc());
            try {
                $storage->get('');
            } catch (Exception $error) {
                $isMarked = $error instanceof Psr\SimpleCache\InvalidArgumentException;
            }
            echo json_encode([
                $storage instanceof Psr\SimpleCache\CacheInterface,
                $logger instanceof Psr\Log\LoggerInterface,
                $isMarked,
                new RR\KeyValue\KeyValueException() instanceof Psr\SimpleCache\CacheException,
            ]);
            PHP;
        $arguments = [dirname(__DIR__) . '/autoload.php', (string) $version, __DIR__ . '/psr.php'];
        $command = [PHP_BINARY, '-r', $code, ...$arguments];
        $process = proc_open($command, [1 => ['pipe', 'w'], 2 => ['pipe', 'w']], $pipes);
        $output = stream_get_contents($pipes[1]);
        self::assertSame('', stream_get_contents($pipes[2]));
        self::assertSame(0, proc_close($process));
        self::assertSame([$isImplemented, $isImplemented, $version > 0, $version > 0], json_decode($output));
    }

    public function versions(): array
    {
        return [
            'not installed' => [0, false], 'without types' => [1, false], 'second' => [2, true], 'third' => [3, true],
        ];
    }
}
