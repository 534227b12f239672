<?php

declare(strict_types=1);

namespace RR\WorkerPool;

/** What the server says about one of its workers. */
final class WorkerInfo
{
    /**
     * @param int    $pid         the process
     * @param string $status      `ready`, `working`, `stopping`, …
     * @param int    $events      events that it has handled
     * @param int    $created     when it was started: nanoseconds since 1970
     * @param int    $memoryBytes resident
     * @param float  $cpuPercent  of one core, over the worker's life
     */
    public function __construct(
        public readonly int $pid,
        public readonly string $status,
        public readonly int $events,
        public readonly int $created,
        public readonly int $memoryBytes,
        public readonly float $cpuPercent,
    ) {
    }

    /** @param array<string, mixed> $fields one of informer.Workers */
    public static function fromFields(array $fields): self
    {
        return new self(
            (int) ($fields['pid'] ?? 0),
            (string) ($fields['statusStr'] ?? ''),
            (int) ($fields['numExecs'] ?? 0),
            (int) ($fields['created'] ?? 0),
            (int) ($fields['memoryUsage'] ?? 0),
            (float) ($fields['CPUPercent'] ?? 0),
        );
    }
}
