<?php

declare(strict_types=1);

/** The handler of all workers here, as BENCH_WORK says: `none`, `compute MICROSECONDS`, `wait MICROSECONDS`. */
final class Work
{
    /** A packet of so many bytes waits 50 ms, whatever BENCH_WORK says: php.py, SLOW_SIZE. */
    private const SLOW_SIZE = 66;

    private readonly string $what;
    private readonly int $microseconds;

    public function __construct()
    {
        $parts = explode(' ', getenv('BENCH_WORK') ?: 'none');
        $this->what = $parts[0];
        $this->microseconds = (int) ($parts[1] ?? 0);
    }

    public function do(string $body): string
    {
        if (\strlen($body) === self::SLOW_SIZE) {
            usleep(50_000);
        } elseif ($this->what === 'wait') {
            usleep($this->microseconds);
        } elseif ($this->what === 'compute') {
            $until = hrtime(true) + 1000 * $this->microseconds;
            while (hrtime(true) < $until);
        }
        return $body;
    }
}

/** What Composer has made in that directory, or an autoload.php of one's own. */
function load_packages(string $directory): void
{
    require is_file("$directory/vendor/autoload.php") ? "$directory/vendor/autoload.php" : "$directory/autoload.php";
}
