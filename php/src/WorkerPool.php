<?php

declare(strict_types=1);

namespace RR;

use RR\WorkerPool\WorkerInfo;

/**
 * The server's workers: which there are, fewer or more of them, all of them anew.
 *
 *     $pool = new RR\WorkerPool(RR\Rpc::create());
 *     foreach ($pool->workers() as $worker) {
 *         echo "$worker->pid $worker->status\n";
 *     }
 *     $pool->reset();
 *
 * A worker may call these too: what it asks for does not wait for itself. All methods throw {@see Rpc\RpcException}
 * when the call fails.
 */
final class WorkerPool
{
    /** Seconds. The server's own limits, `tcp.pool`, end these calls; this is for a server that hangs. */
    private const TIMEOUT = 300.0;

    /** @param string $plugin whose workers: `tcp` */
    public function __construct(private readonly Rpc $rpc, private readonly string $plugin = 'tcp')
    {
    }

    /**
     * The workers.
     *
     * @return list<WorkerInfo>
     * @throws Rpc\RpcException
     */
    public function workers(): array
    {
        $result = $this->rpc->call('informer.Workers', $this->plugin, isSafe: true);
        return array_map(WorkerInfo::fromFields(...), $result['workers'] ?? []);
    }

    /**
     * One worker more, until the next reload; returns when it is ready.
     *
     * @throws Rpc\RpcException
     */
    public function addWorker(): void
    {
        $this->rpc->call('informer.AddWorker', $this->plugin, timeout: self::TIMEOUT);
    }

    /**
     * One worker less, until the next reload. The last one stays.
     *
     * @throws Rpc\RpcException
     */
    public function removeWorker(): void
    {
        $this->rpc->call('informer.RemoveWorker', $this->plugin, timeout: self::TIMEOUT);
    }

    /**
     * Replaces all workers, a few at a time and without losing an event; returns when that is done. The worker that
     * calls this is replaced after its event.
     *
     * @throws Rpc\RpcException
     */
    public function reset(): void
    {
        $this->rpc->call('resetter.Reset', $this->plugin, timeout: self::TIMEOUT);
    }
}
