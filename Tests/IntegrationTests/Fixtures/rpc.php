<?php

/** Calls of RPC by the address in RR_RPC, as JSON, on one connection for the worker's life: docs/rpc.md. */

declare(strict_types=1);

require_once __DIR__ . '/wire.php';

/** @return string the result as JSON; `ERROR: ` and the text of an error, or of a connection that failed */
function rpc(string $method, string $argument): string
{
    static $server = null;
    static $id = 0;
    if ($server === null) {
        $server = @stream_socket_client((string) getenv('RR_RPC'), $code, $reason, 5);
        if ($server === false) {
            $server = null;
            return "ERROR: no connection: $reason";
        }
        stream_set_timeout($server, 60);
        stream_set_read_buffer($server, 0);
    }
    $bytes = frame(0x08, [++$id, strlen($method)], $method . $argument);
    if (@fwrite($server, $bytes) !== strlen($bytes)) {
        return 'ERROR: not sent';
    }
    $header = takeFrom($server, 20);
    if ($header === null) {
        return 'ERROR: no reply';
    }
    $fields = unpack('Cversion/Cflags/Vlength/Vcrc/vrest/Vid/Vname', $header);
    $payload = takeFrom($server, $fields['length']);
    if ($payload === null || $fields['id'] !== $id || substr($payload, 0, $fields['name']) !== $method) {
        return 'ERROR: another reply: ' . bin2hex($header);
    }
    $rest = substr($payload, $fields['name']);
    return ($fields['flags'] & FLAG_ERROR) === 0 ? $rest : "ERROR: $rest";
}

function takeFrom($stream, int $length): ?string
{
    $bytes = '';
    while (($missing = $length - strlen($bytes)) > 0) {
        $piece = fread($stream, min($missing, 1 << 16));
        if ($piece === false || $piece === '') {
            return null;
        }
        $bytes .= $piece;
    }
    return $bytes;
}
