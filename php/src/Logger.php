<?php

declare(strict_types=1);

namespace RR;

use RR\Logger\PsrLogger;
use RR\Rpc\Protobuf;
use RR\Rpc\RpcException;

/**
 * The server's log, channel `app`.
 *
 *     $logger = new RR\Logger(RR\Rpc::create());
 *     $logger->warning('mail refused', ['uuid' => $request->uuid, 'size' => $size]);
 *
 * It has PSR-3's methods, and implements `Psr\Log\LoggerInterface` where that is installed. The server has four levels:
 * emergency, alert and critical are errors there, and notice is info; each of them says so in its attribute `severity`.
 *
 * A line that the server does not take goes to PHP's own log: logging never throws because of the server.
 */
final class Logger implements PsrLogger
{
    /** The server's method of each level, and whether it has lost something. */
    private const LEVELS = [
        'emergency' => ['Error', true],
        'alert' => ['Error', true],
        'critical' => ['Error', true],
        'error' => ['Error', false],
        'warning' => ['Warning', false],
        'notice' => ['Info', true],
        'info' => ['Info', false],
        'debug' => ['Debug', false],
    ];

    public function __construct(private readonly Rpc $rpc)
    {
    }

    /** The system is unusable. @param array<string, mixed> $context attributes of the line */
    public function emergency(string|\Stringable $message, array $context = []): void
    {
        $this->log('emergency', $message, $context);
    }

    /** Something has to be done at once. @param array<string, mixed> $context attributes of the line */
    public function alert(string|\Stringable $message, array $context = []): void
    {
        $this->log('alert', $message, $context);
    }

    /** A part of the application does not work. @param array<string, mixed> $context attributes of the line */
    public function critical(string|\Stringable $message, array $context = []): void
    {
        $this->log('critical', $message, $context);
    }

    /** Something has failed. @param array<string, mixed> $context attributes of the line */
    public function error(string|\Stringable $message, array $context = []): void
    {
        $this->log('error', $message, $context);
    }

    /** Something is not as it should be. @param array<string, mixed> $context attributes of the line */
    public function warning(string|\Stringable $message, array $context = []): void
    {
        $this->log('warning', $message, $context);
    }

    /** Something that is worth a look. @param array<string, mixed> $context attributes of the line */
    public function notice(string|\Stringable $message, array $context = []): void
    {
        $this->log('notice', $message, $context);
    }

    /** Something has happened as it should. @param array<string, mixed> $context attributes of the line */
    public function info(string|\Stringable $message, array $context = []): void
    {
        $this->log('info', $message, $context);
    }

    /** For who looks for a mistake. @param array<string, mixed> $context attributes of the line */
    public function debug(string|\Stringable $message, array $context = []): void
    {
        $this->log('debug', $message, $context);
    }

    /**
     * One line.
     *
     * @param string|\Stringable   $level   the name of one of the methods above
     * @param string|\Stringable   $message `{name}` in it is replaced by that attribute
     * @param array<string, mixed> $context attributes; what is not text becomes JSON
     * @throws \InvalidArgumentException when there is no such level
     */
    public function log($level, string|\Stringable $message, array $context = []): void
    {
        [$method, $isSevere] = self::LEVELS[(string) $level]
            ?? throw new \InvalidArgumentException(
                "log level '$level': want " . implode(', ', array_keys(self::LEVELS))
            );
        $attributes = array_map(self::text(...), $context);
        $message = self::utf8((string) $message);
        if ($attributes !== [] && str_contains($message, '{')) {
            $names = array_map(static fn ($name): string => '{' . $name . '}', array_keys($attributes));
            $message = strtr($message, array_combine($names, $attributes));
        }
        if ($isSevere) {
            $attributes += ['severity' => (string) $level];
        }
        try {
            if ($attributes === []) {
                $this->rpc->call("app.$method", $message);
            } else {
                $this->rpc->exchange(Rpc::PROTO, "app.{$method}WithContext", self::entry($message, $attributes));
            }
        } catch (RpcException $error) {
            $attributes = $attributes === [] ? '' : ' ' . self::json($attributes);
            error_log("$level: $message$attributes ({$error->getMessage()})");
        }
    }

    /** A text on the server's standard error as it is: no level, and no line feed unless it has one. */
    public function raw(string $text): void
    {
        try {
            $this->rpc->call('app.Log', self::utf8($text));
        } catch (RpcException $error) {
            error_log("$text ({$error->getMessage()})");
        }
    }

    /**
     * LogEntry {1 message, 2 attributes {1 key, 2 value}}.
     *
     * @param array<string> $attributes
     */
    private static function entry(string $message, array $attributes): string
    {
        $entry = Protobuf::bytes(1, $message);
        foreach ($attributes as $name => $value) {
            $entry .= Protobuf::element(2, Protobuf::bytes(1, self::utf8((string) $name)) . Protobuf::bytes(2, $value));
        }
        return $entry;
    }

    private static function text(mixed $value): string
    {
        return match (true) {
            \is_string($value) => self::utf8($value),
            \is_bool($value) => $value ? 'true' : 'false',
            \is_int($value), \is_float($value) => (string) $value,
            $value instanceof \DateTimeInterface => $value->format(\DATE_RFC3339_EXTENDED),
            $value instanceof \Stringable => self::utf8((string) $value),
            default => self::json($value),
        };
    }

    private static function json(mixed $value): string
    {
        $readable = JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE;
        return (string) json_encode($value, $readable | JSON_INVALID_UTF8_SUBSTITUTE | JSON_PARTIAL_OUTPUT_ON_ERROR);
    }

    /** The server takes UTF-8 only: other bytes become U+FFFD. */
    private static function utf8(string $text): string
    {
        return preg_match('//u', $text) === 1
            ? $text
            : json_decode(json_encode($text, JSON_INVALID_UTF8_SUBSTITUTE | JSON_THROW_ON_ERROR));
    }
}
