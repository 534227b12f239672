<?php

/**
 * The worker of the image's tests. It answers a line with itself, but for
 *
 *   slow     says so in /state/slow and answers when /state/go is there
 *   orphan   the process id of a child whose parent has ended
 *   who      user, group and directory of this process
 */

declare(strict_types=1);

/** @return array{string, string} context and body */
function receive(): array
{
    $head = read(12);
    $options = read(4 * ((ord($head[0]) & 15) - 3));
    $payload = read(unpack('V', $head, 2)[1]);
    if (ord($head[1]) & 1) {
        return [$payload, ''];
    }
    $length = unpack('V', $options)[1];

    return [substr($payload, 0, $length), substr($payload, $length)];
}

function read(int $length): string
{
    $bytes = '';
    while (strlen($bytes) < $length) {
        $part = fread(STDIN, $length - strlen($bytes));
        if ($part === false || $part === '') {
            exit(0);
        }
        $bytes .= $part;
    }

    return $bytes;
}

function send(string $context, string $body, bool $control = false): void
{
    $head = pack('CCV', $control ? 0x13 : 0x14, $control ? 1 : 0, strlen($context) + strlen($body));
    fwrite(STDOUT, $head . pack('V', crc32($head)) . "\0\0" . ($control ? '' : pack('V', strlen($context))) . $context . $body);
}

function answer(string $line): string
{
    switch ($line) {
        case 'slow':
            touch('/state/slow');
            while (!file_exists('/state/go')) {
                usleep(10000);
                clearstatcache();
            }
            return 'slow, but here';
        case 'orphan':
            return trim(shell_exec('(sleep 1 >/dev/null & echo $!)'));
        case 'who':
            return posix_geteuid() . ':' . posix_getegid() . ' ' . getcwd();
        default:
            return $line;
    }
}

while (true) {
    [$context, $body] = receive();
    $context = json_decode($context, true);
    if (isset($context['pid'])) {
        send(json_encode(['pid' => getmypid()]), '', true);
    } elseif (isset($context['stop'])) {
        exit(0);
    } elseif ($context['event'] === 'DATA') {
        send('WRITE', answer(rtrim($body)) . "\r\n");
    } else {
        send('CONTINUE', '');
    }
}
