<?php

declare(strict_types=1);

namespace RR\KeyValue;

/** A key, value or expiry that cannot be. Nothing was sent. */
final class InvalidArgumentException extends \InvalidArgumentException implements ArgumentFault
{
}
