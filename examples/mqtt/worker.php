<?php

/**
 * Takes what clients of MQTT 3.1.1 publish with QoS 0 and 1, and logs it. Nobody can subscribe.
 *
 * The name that a client has given at CONNECT is in the storage `clients`, for the worker that gets its next packet.
 */

declare(strict_types=1);

use RR\KeyValue;
use RR\Logger;
use RR\Rpc;
use RR\Tcp\Request;
use RR\Tcp\Worker;

require __DIR__ . '/../../php/autoload.php';

const CONNECT = 1, PUBLISH = 3, PINGREQ = 12;

/** Takes a text, whose length is before it, off the front. */
function text(string &$data): string
{
    $length = strlen($data) < 2 ? PHP_INT_MAX : unpack('n', $data)[1];
    if (strlen($data) < 2 + $length) {
        throw new UnexpectedValueException('a text is longer than its packet');
    }
    $text = substr($data, 2, $length);
    $data = substr($data, 2 + $length);
    return $text;
}

/** @return string|null the answer, which may be empty; null to end the connection */
function answer(KeyValue $clients, Logger $logger, string $uuid, string $packet): ?string
{
    $type = ord($packet[0]) >> 4;
    $flags = ord($packet[0]) & 15;
    // Behind the length, whose last byte is the first one without the highest bit.
    for ($start = 2; ord($packet[$start - 1]) & 0x80; $start++) {
    }
    $data = substr($packet, $start);

    $client = $clients->get($uuid);
    if ($type === CONNECT && $client === null) {
        if (text($data) !== 'MQTT' || ord($data[0] ?? "\0") !== 4) {
            return "\x20\x02\x00\x01";
        }
        // Version, flags and two bytes of time come first.
        $data = substr($data, 4);
        $clients->set($uuid, text($data));
        return "\x20\x02\x00\x00";
    }
    if ($type === PUBLISH && $client !== null) {
        $topic = text($data);
        $qos = $flags >> 1 & 3;
        if ($qos > 1 || ($qos === 1 && strlen($data) < 2)) {
            return null;
        }
        $answer = $qos === 0 ? '' : "\x40\x02" . substr($data, 0, 2);
        $message = $qos === 0 ? $data : substr($data, 2);
        // First the log, then the answer: a message that was answered is not lost.
        $logger->info('a message', ['client' => $client, 'topic' => $topic, 'qos' => $qos, 'message' => $message]);
        return $answer;
    }
    return $type === PINGREQ && $client !== null ? "\xD0\x00" : null;
}

$rpc = Rpc::create();
$clients = new KeyValue($rpc, 'clients', serialize: false);
$logger = new Logger($rpc);
$worker = Worker::create();
while ($request = $worker->waitRequest()) {
    if ($request->event === Request::CLOSE) {
        $clients->delete($request->uuid);
    }
    if ($request->event !== Request::DATA) {
        $worker->read();
        continue;
    }
    try {
        $answer = answer($clients, $logger, $request->uuid, $request->body);
    } catch (Throwable $error) {
        $worker->error((string) $error);
        continue;
    }
    // DISCONNECT, and what is not understood.
    $answer === null ? $worker->close() : $worker->write($answer);
}
