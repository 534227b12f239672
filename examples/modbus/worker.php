<?php

/**
 * A Modbus/TCP server with 10,000 holding registers a unit: functions 3 (read), 6 (write one) and 16 (write several).
 *
 * Registers are in the storage `registers`, so it does not matter which worker gets a request. Each call of the storage
 * is all or nothing: a client never reads half of what another one writes.
 */

declare(strict_types=1);

use RR\KeyValue;
use RR\Rpc;
use RR\Tcp\Request;
use RR\Tcp\Worker;

require __DIR__ . '/../../php/autoload.php';

const REGISTERS = 10_000;

/** Its code is the exception's: 1 no such function, 2 no such address, 3 no such value, 4 the server has failed. */
final class ModbusException extends Exception
{
}

/**
 * @param int $most registers a request may name
 * @return list<string> their keys
 */
function registers(int $unit, int $address, int $count, int $most): array
{
    if ($count < 1 || $count > $most) {
        throw new ModbusException(code: 3);
    }
    if ($address + $count > REGISTERS) {
        throw new ModbusException(code: 2);
    }
    return array_map(fn (int $register): string => "$unit.$register", range($address, $address + $count - 1));
}

/** @return string the answer to a request, from the byte of the function on */
function answer(KeyValue $storage, int $unit, int $function, string $data): string
{
    switch ($function) {
        case 3:
            $request = strlen($data) === 4 ? unpack('naddress/ncount', $data) : throw new ModbusException(code: 3);
            $keys = registers($unit, $request['address'], $request['count'], 125);
            $values = $storage->getMultiple($keys, '0');
            return pack('CCn*', 3, 2 * count($keys), ...array_map(intval(...), array_values($values)));
        case 6:
            $request = strlen($data) === 4 ? unpack('naddress/nvalue', $data) : throw new ModbusException(code: 3);
            [$key] = registers($unit, $request['address'], 1, 1);
            $storage->set($key, (string) $request['value']);
            return "\x06$data";
        case 16:
            $request = strlen($data) > 5 ? unpack('naddress/ncount/Csize', $data) : throw new ModbusException(code: 3);
            $keys = registers($unit, $request['address'], $request['count'], 123);
            if ($request['size'] !== 2 * count($keys) || strlen($data) !== 5 + $request['size']) {
                throw new ModbusException(code: 3);
            }
            $values = array_map(strval(...), unpack('n*', $data, 5));
            $storage->setMultiple(array_combine($keys, $values));
            return "\x10" . substr($data, 0, 4);
        default:
            throw new ModbusException(code: 1);
    }
}

$storage = new KeyValue(Rpc::create(), 'registers', serialize: false);
$worker = Worker::create();
while ($request = $worker->waitRequest()) {
    if ($request->event !== Request::DATA) {
        $worker->read();
        continue;
    }
    $header = strlen($request->body) < 8 ? null : unpack('nid/nprotocol/nlength/Cunit/Cfunction', $request->body);
    if ($header === null || $header['protocol'] !== 0) {
        $worker->close();
        continue;
    }
    try {
        $answer = answer($storage, $header['unit'], $header['function'], substr($request->body, 8));
    } catch (ModbusException $exception) {
        $answer = pack('CC', $header['function'] | 0x80, $exception->getCode());
    } catch (Throwable $error) {
        fwrite(STDERR, "$error\n");
        $answer = pack('CC', $header['function'] | 0x80, 4);
    }
    $worker->write(pack('nnnC', $header['id'], 0, 1 + strlen($answer), $header['unit']) . $answer);
}
