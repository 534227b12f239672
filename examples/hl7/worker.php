<?php

/** Acknowledges messages of HL7 version 2 over MLLP, and logs what they are. */

declare(strict_types=1);

use RR\Tcp\Request;
use RR\Tcp\Worker;

require __DIR__ . '/../../php/autoload.php';

/** @return string|null the acknowledgement; null when this is no message */
function acknowledge(string $message): ?string
{
    // The character behind MSH separates fields; it counts as the first of them.
    $separator = $message[3] ?? '';
    if (!str_starts_with($message, 'MSH') || $separator === '' || ctype_alnum($separator)) {
        return null;
    }
    $fields = explode($separator, explode("\r", $message, 2)[0]) + array_fill(0, 12, '');
    [, $encoding, $application, $facility, $receiver, $receiverFacility, , , $type, $id, $processing, $version] = $fields;
    $code = $type === '' || $id === '' ? 'AR' : 'AA';
    // Its standard error is the server's log, an entry a line.
    fwrite(STDERR, addcslashes("$code $type $id of $application at $facility", "\0..\37") . "\n");

    $component = $encoding[0] ?? '^';
    $event = explode($component, $type)[1] ?? '';
    $header = [
        'MSH', $encoding, $receiver, $receiverFacility, $application, $facility, gmdate('YmdHis'), '',
        $event === '' ? 'ACK' : "ACK{$component}{$event}", bin2hex(random_bytes(10)), $processing, $version,
    ];
    return implode($separator, $header) . "\r" . implode($separator, ['MSA', $code, $id]) . "\r";
}

$worker = Worker::create();
while ($request = $worker->waitRequest()) {
    if ($request->event !== Request::DATA) {
        $worker->read();
        continue;
    }
    // What is left at a client's end has no delimiter, and is no message.
    $isWhole = str_ends_with($request->body, "\x1C\r");
    $answer = $isWhole ? acknowledge(substr($request->body, 1, -2)) : null;
    $answer === null ? $worker->close() : $worker->write("\x0B$answer\x1C\r");
}
