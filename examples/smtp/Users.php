<?php

declare(strict_types=1);

/**
 * Who may send mails: a file with a line for each, `name:hash`, as `htpasswd -nB name` prints it.
 *
 * It is read at each attempt, so a change needs no restart.
 */
final class SmtpUsers
{
    /** Of no password. */
    private const NOBODY = '$2y$10$Dfs7pBROEWQ989XlWRFwCOW90D/sZWuK4/A.Lkp/gDGuGu8Z.igz2';

    public function __construct(private readonly string $file)
    {
    }

    /** Takes as long for a name that is not there, so that nobody can find out which ones are. */
    public function accepts(string $name, string $password): bool
    {
        $hash = null;
        foreach (@file($this->file, FILE_IGNORE_NEW_LINES) ?: [] as $line) {
            [$known, $value] = explode(':', $line, 2) + [1 => ''];
            if ($known === $name && $name !== '') {
                $hash = $value;
            }
        }
        // bcrypt ends at a NUL, so with one behind it the password would be right.
        return password_verify($password, $hash ?? self::NOBODY) && $hash !== null && !str_contains($password, "\0");
    }
}
