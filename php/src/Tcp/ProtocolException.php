<?php

declare(strict_types=1);

namespace RR\Tcp;

/**
 * What arrived is not a Goridge frame, or not one a TCP worker can get. There is no way to find the start of the
 * next frame after that: let the worker end, the server starts another.
 */
final class ProtocolException extends \RuntimeException
{
}
