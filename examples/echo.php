<?php

declare(strict_types=1);

/**
 * Sends back what it gets, and shows what a worker sees.
 *
 * Two lines are commands: `inspect` answers with the event as JSON, `quit` ends the connection. Nothing is kept
 * between two events, so it does not matter that each may reach another worker.
 */
final class EchoService
{
    /** @return array{string, string} what to do, what to write */
    public function connected(string $server, string $remoteAddr, string $uuid): array
    {
        return ['CONTINUE', ''];
    }

    /** @return array{string, string} */
    public function data(string $server, string $remoteAddr, string $uuid, string $body): array
    {
        if (!preg_match('/^(?:inspect|quit)\r?$/m', $body)) {
            return ['WRITE', $body];
        }

        // Lines that a client sends without waiting for answers arrive together.
        $answer = '';
        foreach (preg_split('/(?<=\n)/', $body, -1, PREG_SPLIT_NO_EMPTY) as $line) {
            switch (rtrim($line, "\r\n")) {
                case 'inspect':
                    $answer .= json_encode([
                        'event' => 'DATA',
                        'server' => $server,
                        'remote_addr' => $remoteAddr,
                        'uuid' => $uuid,
                        'pid' => getmypid(),
                    ]) . "\r\n";
                    break;
                case 'quit':
                    return ['WRITECLOSE', $answer . "bye\r\n"];
                default:
                    $answer .= $line;
            }
        }
        return ['WRITE', $answer];
    }

    /** @return array{string, string} */
    public function closed(string $uuid): array
    {
        return ['CLOSE', ''];
    }
}
