<?php

/**
 * A server with a script, see Peer.php: argument 1 is its address, standard input the script as JSON. Standard output
 * is the address, then a line for each frame that was read, as hexadecimal digits.
 */

declare(strict_types=1);

/** @param resource $stream */
function readExactly($stream, int $length): ?string
{
    $data = '';
    while (strlen($data) < $length) {
        $piece = fread($stream, $length - strlen($data));
        if ($piece === '' || $piece === false) {
            return null;
        }
        $data .= $piece;
    }
    return $data;
}

$server = stream_socket_server($argv[1], $code, $message) ?: throw new RuntimeException($message);
echo str_starts_with($argv[1], 'tcp') ? 'tcp://' . stream_socket_get_name($server, false) : $argv[1], "\n";
foreach (json_decode(stream_get_contents(STDIN), true, flags: JSON_THROW_ON_ERROR) as $steps) {
    $client = stream_socket_accept($server, 60) ?: throw new RuntimeException('no client came');
    foreach ($steps as [$step, $argument]) {
        switch ($step) {
            case 'read':
            case 'skip':
                for ($i = 0; $i < $argument; $i++) {
                    $header = readExactly($client, 20) ?? exit(1);
                    $payload = readExactly($client, unpack('V', $header, 2)[1]);
                    echo $step === 'read' ? bin2hex($header . $payload) . "\n" : '';
                }
                break;
            case 'write':
                fwrite($client, hex2bin($argument));
                break;
            case 'fill':
                // Replies to calls 1, 2, …, each as soon as it is taken, before anything is read.
                for ($id = 1; $id <= $argument; $id++) {
                    $start = pack('CCV', 0x15, 0x04, 1 + 8192);
                    fwrite($client, $start . pack('VvVV', crc32($start), 0, $id, 1) . 'm' . str_repeat('r', 8192));
                }
                break;
            case 'await-end':
                fread($client, 1);
                break;
        }
    }
    fclose($client);
    echo "closed\n";
}
