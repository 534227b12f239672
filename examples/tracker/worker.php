<?php

/**
 * Takes the packets of GPS trackers that speak GT06: logins, heartbeats, positions, alarms.
 *
 *     78 78, length (1 byte), or 79 79, length (2 bytes)
 *     type, content, serial number (2 bytes), CRC-16/X.25 of all from the length to here (2 bytes)
 *     0D 0A, which may occur before as well
 *
 * The IMEI of a tracker is in its login only: it is kept in the storage `trackers` for the packets that follow.
 */

declare(strict_types=1);

use RR\KeyValue;
use RR\Logger;
use RR\Rpc;
use RR\Tcp\Request;
use RR\Tcp\Worker;

require __DIR__ . '/../../php/autoload.php';

const LOGIN = 0x01, POSITION = 0x12, HEARTBEAT = 0x13, ALARM = 0x16;

function checksum(string $data): int
{
    $crc = 0xFFFF;
    for ($i = 0; $i < strlen($data); $i++) {
        $crc ^= ord($data[$i]);
        for ($bit = 0; $bit < 8; $bit++) {
            $crc = $crc & 1 ? $crc >> 1 ^ 0x8408 : $crc >> 1;
        }
    }
    return $crc ^ 0xFFFF;
}

/** @return array<string, mixed> what a position or an alarm begins with */
function position(string $content): array
{
    if (strlen($content) < 18) {
        throw new UnexpectedValueException('a position has 18 bytes, this one ' . strlen($content));
    }
    $fields = unpack('C6time/Csatellites/Nlatitude/Nlongitude/Cspeed/nstatus', $content);
    $time = array_map(fn (int $i): int => $fields["time$i"], range(1, 6));
    return [
        'time' => vsprintf('20%02d-%02d-%02dT%02d:%02d:%02dZ', $time),
        'latitude' => ($fields['status'] & 0x0400 ? 1 : -1) * round($fields['latitude'] / 1_800_000, 6),
        'longitude' => ($fields['status'] & 0x0800 ? -1 : 1) * round($fields['longitude'] / 1_800_000, 6),
        'speed' => $fields['speed'],
        'course' => $fields['status'] & 0x03FF,
        'satellites' => $fields['satellites'] & 15,
    ];
}

/** @return string|null the answer, which may be empty; null to end the connection */
function answer(KeyValue $trackers, Logger $logger, string $uuid, string $packet): ?string
{
    $start = $packet[0] === "\x78" ? 3 : 4;
    $checked = substr($packet, 2, -4);
    if (strlen($packet) < $start + 7 || unpack('n', $packet, strlen($packet) - 4)[1] !== checksum($checked)) {
        // Without an answer the tracker sends it again.
        $logger->warning('a packet with a wrong checksum', ['packet' => bin2hex($packet)]);
        return '';
    }
    $type = ord($packet[$start]);
    $content = substr($packet, $start + 1, -6);
    $imei = $trackers->get($uuid);
    if ($type === LOGIN) {
        // Sixteen digits, the first of which is 0.
        $imei = substr(bin2hex(substr($content, 0, 8)), 1);
        $trackers->set($uuid, $imei);
    } elseif ($imei === null) {
        return null;
    }

    $facts = ['imei' => $imei, 'type' => $type];
    $facts += $type === POSITION || $type === ALARM ? position($content) : ['content' => bin2hex($content)];
    $logger->info('a packet', $facts);
    if ($type !== LOGIN && $type !== HEARTBEAT && $type !== ALARM) {
        return '';
    }
    $answer = "\x05" . chr($type) . substr($packet, -6, 2);
    return "\x78\x78$answer" . pack('n', checksum($answer)) . "\r\n";
}

$rpc = Rpc::create();
$trackers = new KeyValue($rpc, 'trackers', serialize: false);
$logger = new Logger($rpc);
$worker = Worker::create();
while ($request = $worker->waitRequest()) {
    if ($request->event === Request::CLOSE) {
        $trackers->delete($request->uuid);
    }
    if ($request->event !== Request::DATA) {
        $worker->read();
        continue;
    }
    try {
        $answer = answer($trackers, $logger, $request->uuid, $request->body);
    } catch (Throwable $error) {
        $worker->error((string) $error);
        continue;
    }
    $answer === null ? $worker->close() : $worker->write($answer);
}
