<?php

declare(strict_types=1);

/** AUTH with PLAIN and LOGIN (RFC 4954, 4616): a command, and the lines that follow it until there is an answer. */
final class SmtpAuthentication
{
    private const GO_ON = '334 ';
    private const ASKS_NAME = '334 VXNlcm5hbWU6';
    private const ASKS_PASSWORD = '334 UGFzc3dvcmQ6';

    public function __construct(private readonly SmtpUsers $users)
    {
    }

    /** The command. Whether the connection is encrypted was looked at before. */
    public function begin(SmtpSession $session, string $argument): string
    {
        [$mechanism, $initial] = preg_split('/ +/', $argument, 2) + [1 => null];
        $mechanism = strtoupper($mechanism);
        if ($session->clientName === null) {
            return '503 5.5.1 Say EHLO first';
        }
        if ($session->user !== null || $session->sender !== null) {
            return '503 5.5.1 Not now';
        }
        if ($mechanism !== 'PLAIN' && $mechanism !== 'LOGIN') {
            return '504 5.5.4 PLAIN or LOGIN';
        }
        $session->authentication = $mechanism;
        if ($initial === null) {
            return $mechanism === 'PLAIN' ? self::GO_ON : self::ASKS_NAME;
        }
        return $this->continue($session, $initial === '=' ? '' : $initial);
    }

    /** A line after the command. */
    public function continue(SmtpSession $session, string $line): string
    {
        $mechanism = $session->authentication;
        $name = $session->claimedName;
        $session->authentication = null;
        $session->claimedName = null;
        if ($line === '*') {
            return '501 5.7.0 As you like';
        }
        $said = base64_decode($line, strict: true);
        if ($said === false) {
            return '501 5.5.2 Not base64';
        }
        if ($mechanism === 'LOGIN' && $name === null) {
            $session->authentication = $mechanism;
            $session->claimedName = $said;
            return self::ASKS_PASSWORD;
        }
        if ($mechanism === 'LOGIN') {
            return $this->decide($session, $name, $said);
        }
        $parts = explode("\0", $said);
        if (count($parts) !== 3) {
            return '501 5.5.2 Want NUL, name, NUL, password';
        }
        // The first part is whom to act for: nobody else.
        [$as, $name, $password] = $parts;
        return $as === '' || $as === $name ? $this->decide($session, $name, $password) : '535 5.7.8 Not for others';
    }

    private function decide(SmtpSession $session, string $name, string $password): string
    {
        if (!$this->users->accepts($name, $password)) {
            return '535 5.7.8 Wrong name or password';
        }
        $session->user = $name;
        return '235 2.7.0 Welcome';
    }
}
