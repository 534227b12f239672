<?php

/** Goridge 3 frames on the relay, standard input and output or a socket: docs/protocol.md. */

declare(strict_types=1);

const FLAG_CONTROL = 0x01;
const FLAG_ERROR = 0x40;

define('RELAY', str_contains((string) getenv('RR_RELAY'), '://') ? stream_socket_client(getenv('RR_RELAY')) : null);
define('INPUT', RELAY ?? STDIN);
define('OUTPUT', RELAY ?? STDOUT);

if (RELAY !== null) {
    stream_set_timeout(RELAY, 3600);
}
stream_set_read_buffer(INPUT, 0);
stream_set_write_buffer(OUTPUT, 0);

/** Bytes as they are to the relay, all of them. */
function put(string $bytes): void
{
    while ($bytes !== '') {
        $written = @fwrite(OUTPUT, $bytes);
        if ($written === false || $written === 0) {
            exit(0);
        }
        $bytes = substr($bytes, $written);
    }
}

/** @return string|null exactly so many bytes; null when the server has closed the relay */
function take(int $length): ?string
{
    $bytes = '';
    while (($missing = $length - strlen($bytes)) > 0) {
        $piece = fread(INPUT, min($missing, 1 << 16));
        if ($piece === false || $piece === '') {
            return null;
        }
        $bytes .= $piece;
    }
    return $bytes;
}

/** @param list<int> $options */
function frame(int $flags, array $options, string $payload): string
{
    $start = pack('CCV', 0x10 | 3 + count($options), $flags, strlen($payload));
    return $start . pack('V', crc32($start)) . "\0\0" . pack('V*', ...$options) . $payload;
}

/** @param list<int> $options */
function send(int $flags, array $options, string $payload): void
{
    put(frame($flags, $options, $payload));
}

/** Answers the event: what to do, and the bytes for the client. */
function answer(string $context, string $body): void
{
    send(0, [strlen($context)], $context . $body);
}

/** @return array{int, list<int>, string}|null flags, options, payload */
function receive(): ?array
{
    $header = take(12);
    if ($header === null) {
        return null;
    }
    ['first' => $first, 'flags' => $flags, 'length' => $length, 'crc' => $crc] =
        unpack('Cfirst/Cflags/Vlength/Vcrc', $header);
    if ($first >> 4 !== 1 || $crc !== crc32(substr($header, 0, 6))) {
        fwrite(STDERR, 'a bad header from the server: ' . bin2hex($header) . "\n");
        exit(9);
    }
    $options = take(4 * (($first & 15) - 3));
    $payload = take($length);
    if ($options === null || $payload === null) {
        return null;
    }
    return [$flags, $options === '' ? [] : array_values(unpack('V*', $options)), $payload];
}
