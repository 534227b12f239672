<?php

declare(strict_types=1);

/** Several workers start at once: it is no error when another one was faster. */
function makeDirectory(string $path): void
{
    if (!is_dir($path) && !@mkdir($path, 0700, recursive: true) && !is_dir($path)) {
        throw new RuntimeException("cannot make the directory $path");
    }
}

/** A uuid becomes a file's name: nothing else may. */
function checkedUuid(string $uuid): string
{
    return preg_match('/^[0-9a-f-]{1,64}$/D', $uuid) ? $uuid : throw new RuntimeException("not a uuid: $uuid");
}
