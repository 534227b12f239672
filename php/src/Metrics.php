<?php

declare(strict_types=1);

namespace RR;

/**
 * The application's own metrics, at the server's `metrics.address` beside the server's.
 *
 *     $metrics = new RR\Metrics(RR\Rpc::create());
 *     $metrics->declare('mails_total', RR\Metrics::COUNTER, 'Mails taken.', ['size']);
 *     $metrics->add('mails_total', 1, ['large']);
 *
 * Each worker declares what it uses when it starts: a metric that is there already is left as it is. Values are the
 * server's, and outlast workers. Values of labels are in the order of the declaration. All methods throw
 * {@see Rpc\RpcException} when the call fails.
 */
final class Metrics
{
    public const COUNTER = 'counter';
    public const GAUGE = 'gauge';
    public const HISTOGRAM = 'histogram';
    public const SUMMARY = 'summary';

    public function __construct(private readonly Rpc $rpc)
    {
    }

    /**
     * Declares a metric, whose whole name is `namespace_subsystem_name`.
     *
     * @param string       $type    COUNTER, GAUGE, HISTOGRAM or SUMMARY
     * @param string       $help    what it is, for people
     * @param list<string> $labels  names
     * @param list<int|float> $buckets upper bounds of a histogram's; none: 0.005 to 10
     * @param array<string, float> $objectives of a summary: the error that is allowed, by quantile: `['0.5' => 0.05]`
     * @throws Rpc\RpcException also when the name is taken by a metric of another type, or with other labels
     */
    public function declare(
        string $name,
        string $type,
        string $help = '',
        array $labels = [],
        array $buckets = [],
        array $objectives = [],
        string $namespace = '',
        string $subsystem = '',
    ): void {
        $collector = [
            'namespace' => $namespace,
            'subsystem' => $subsystem,
            'type' => $type,
            'help' => $help,
            'labels' => array_values($labels),
            'buckets' => array_values($buckets),
        ];
        if ($objectives !== []) {
            $collector['objectives'] = (object) $objectives;
        }
        $this->rpc->call('metrics.Declare', ['name' => $name, 'collector' => $collector]);
    }

    /**
     * Adds to a counter or gauge.
     *
     * @param int|float $value of a counter: 0 or more
     * @param list<string> $labels values
     * @throws Rpc\RpcException
     */
    public function add(string $name, int|float $value = 1, array $labels = []): void
    {
        $this->change('metrics.Add', $name, $value, $labels);
    }

    /**
     * Takes away from a gauge.
     *
     * @param list<string> $labels values
     * @throws Rpc\RpcException
     */
    public function sub(string $name, int|float $value = 1, array $labels = []): void
    {
        $this->change('metrics.Sub', $name, $value, $labels);
    }

    /**
     * Sets a gauge.
     *
     * @param list<string> $labels values
     * @throws Rpc\RpcException
     */
    public function set(string $name, int|float $value, array $labels = []): void
    {
        $this->change('metrics.Set', $name, $value, $labels);
    }

    /**
     * Gives a histogram or summary one more value.
     *
     * @param list<string> $labels values
     * @throws Rpc\RpcException
     */
    public function observe(string $name, int|float $value, array $labels = []): void
    {
        $this->change('metrics.Observe', $name, $value, $labels);
    }

    /**
     * Takes a metric away, with its values.
     *
     * @param string $name the whole one: `namespace_subsystem_name`
     * @throws Rpc\RpcException
     */
    public function unregister(string $name): void
    {
        $this->rpc->call('metrics.Unregister', $name);
    }

    private function change(string $method, string $name, int|float $value, array $labels): void
    {
        $this->rpc->call($method, ['name' => $name, 'value' => $value, 'labels' => array_values($labels)]);
    }
}
