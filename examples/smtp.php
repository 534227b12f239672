<?php

declare(strict_types=1);

use RR\Rpc;

require __DIR__ . '/smtp/files.php';
require __DIR__ . '/smtp/Session.php';
require __DIR__ . '/smtp/SessionStore.php';
require __DIR__ . '/smtp/Maildir.php';

/**
 * A small SMTP server (RFC 5321; PIPELINING, SIZE, 8BITMIME, ENHANCEDSTATUSCODES): takes every mail for everybody and
 * puts it into a folder. For trying things and for tests; it never sends a mail on.
 *
 * Sessions of open connections are in the server's storage `smtp`: its configuration needs the sections `rpc` and `kv`.
 *
 * Environment:
 *     SMTP_MAIL_DIR      where mails go; default rr-smtp/mail in the system's temporary directory
 *     SMTP_MAX_SIZE      the largest mail taken, in bytes; default 26214400 (25 MiB)
 *
 * An event may hold one command or many: clients send commands without waiting for each answer (pipelining), and the
 * server passes on all that has come when it ends with the delimiter. Behind DATA the answer asks for the whole mail in
 * one event. A server that knows no such answers, as RoadRunner does not, passes it on in parts, which is as well.
 */
final class SmtpService
{
    private const MAX_COMMAND = 1024;
    private const MAX_RECIPIENTS = 1000;
    private const MAX_ERRORS = 20;

    /** A mailbox between angle brackets, after an optional source route (which is to be ignored). */
    private const PATH = '/^<(?:@[^:>]*:)?((?:"(?:[^"\\\\]|\\\\.)*"|[^"<>\s])*)>(?:\s+(.*))?$/D';

    private readonly string $hostName;

    public function __construct(
        private readonly SmtpSessionStore $sessions,
        private readonly Maildir $mails,
        private readonly int $maxSize,
        private readonly bool $wholeMails,
    ) {
        $this->hostName = gethostname() ?: 'localhost';
    }

    /** @param bool $wholeMails whether the server lets an answer say where the next packet ends */
    public static function fromEnvironment(bool $wholeMails = true): self
    {
        return new self(
            new SmtpSessionStore(Rpc::create()),
            new Maildir(getenv('SMTP_MAIL_DIR') ?: sys_get_temp_dir() . '/rr-smtp/mail'),
            (int) (getenv('SMTP_MAX_SIZE') ?: 25 * 1024 * 1024),
            $wholeMails,
        );
    }

    /** @return array{string, string} what to do, what to write */
    public function connected(string $server, string $remoteAddr, string $uuid): array
    {
        $this->sessions->save($uuid, new SmtpSession($remoteAddr));
        return ['WRITE', "220 $this->hostName ESMTP ready\r\n"];
    }

    /** @return array{0: string, 1: string, 2?: array{until: string, keep: int}} as above, and where the next packet ends */
    public function data(
        string $server,
        string $remoteAddr,
        string $uuid,
        string $body,
        bool $offersTls = false,
    ): array {
        $session = $this->sessions->load($uuid);
        if ($session === null) {
            return ['WRITECLOSE', "421 4.3.0 $this->hostName lost the session, try again\r\n"];
        }

        $session->offersTls = $offersTls;
        $input = $session->unfinished . $body;
        $session->unfinished = '';
        $offset = $session->kept;
        $session->kept = 0;
        $answers = '';
        $next = [];
        while ($offset < strlen($input)) {
            $wasInMail = $session->inMail;
            $answer = $session->inMail
                ? $this->takeMail($session, $uuid, $input, $offset)
                : $this->takeCommand($session, $uuid, $input, $offset);
            if ($answer === null) {
                break;
            }
            $answers .= "$answer\r\n";
            if (str_starts_with($answer, '221') || str_starts_with($answer, '421')) {
                return ['WRITECLOSE', $answers];
            }
            if (str_starts_with($answer, '220')) {
                return $this->startTls($uuid, $session, $answers, substr($input, $offset));
            }
            if ($this->wholeMails && $session->inMail && !$wasInMail) {
                // The end of the line DATA comes again: with it an empty mail, a dot alone, ends like all others.
                $session->kept = 2;
                $next = ['until' => "\r\n.\r\n", 'keep' => strlen($input) - $offset + $session->kept];
                break;
            }
        }

        $this->sessions->save($uuid, $session);
        return $answers === '' ? ['CONTINUE', ''] : ['WRITE', $answers, $next];
    }

    /** @return array{string, string} */
    public function closed(string $uuid): array
    {
        $this->sessions->remove($uuid);
        $this->mails->discard($uuid);
        return ['CLOSE', ''];
    }

    // Commands

    /**
     * Takes one command from the input.
     *
     * @return string|null the answer; null when the command's line is not complete
     */
    private function takeCommand(SmtpSession $session, string $uuid, string $input, int &$offset): ?string
    {
        $end = strpos($input, "\r\n", $offset);
        $length = ($end === false ? strlen($input) : $end) - $offset;
        if ($end === false && $length <= self::MAX_COMMAND) {
            $session->unfinished = substr($input, $offset);
            $offset = strlen($input);
            return null;
        }
        if ($length > self::MAX_COMMAND) {
            $answer = $end === false ? '421 5.5.2 Line too long' : '500 5.5.2 Line too long';
        } else {
            [$verb, $argument] = explode(' ', substr($input, $offset, $length), 2) + [1 => ''];
            $answer = $this->command($session, $uuid, strtoupper($verb), trim($argument));
        }
        $offset += $length + 2;

        if ($answer[0] === '5' && ++$session->errors > self::MAX_ERRORS) {
            return '421 4.7.0 Too many errors';
        }
        return $answer;
    }

    private function command(SmtpSession $session, string $uuid, string $verb, string $argument): string
    {
        return match ($verb) {
            'HELO', 'EHLO' => $this->hello($session, $verb, $argument),
            'MAIL' => $this->mail($session, $argument),
            'RCPT' => $this->recipient($session, $argument),
            'DATA' => $this->startMail($session, $uuid, $argument),
            'RSET' => $this->reset($session, $argument),
            'NOOP' => '250 2.0.0 OK',
            'VRFY' => $argument === '' ? '501 5.5.4 Whom?' : '252 2.1.5 Send a mail and see',
            'HELP' => '214 2.0.0 HELO EHLO MAIL RCPT DATA RSET NOOP VRFY QUIT',
            'QUIT' => $argument === '' ? "221 2.0.0 $this->hostName says goodbye" : '501 5.5.4 QUIT takes no argument',
            'STARTTLS' => match (true) {
                !$session->offersTls => '502 5.5.1 Not implemented',
                $argument !== '' => '501 5.5.4 STARTTLS takes no argument',
                default => '220 2.0.0 Go ahead',
            },
            'EXPN', 'TURN', 'AUTH' => '502 5.5.1 Not implemented',
            default => '500 5.5.1 Unknown command',
        };
    }

    /**
     * What was said in clear does not count, and nothing may follow the command (RFC 3207).
     *
     * @return array{string, string}
     */
    private function startTls(string $uuid, SmtpSession $session, string $answers, string $rest): array
    {
        if ($rest !== '') {
            return ['WRITECLOSE', "421 4.7.0 Nothing may follow STARTTLS\r\n"];
        }
        $this->sessions->save($uuid, new SmtpSession($session->remoteAddr));
        return ['STARTTLS', $answers];
    }

    private function hello(SmtpSession $session, string $verb, string $argument): string
    {
        if ($argument === '') {
            return "501 5.5.4 $verb wants your name";
        }
        $session->reset();
        $session->clientName = $argument;
        return $verb === 'HELO' ? "250 $this->hostName" : implode("\r\n", [
            "250-$this->hostName",
            '250-PIPELINING',
            "250-SIZE $this->maxSize",
            '250-8BITMIME',
            ...$session->offersTls ? ['250-STARTTLS'] : [],
            '250 ENHANCEDSTATUSCODES',
        ]);
    }

    private function mail(SmtpSession $session, string $argument): string
    {
        if ($session->clientName === null) {
            return '503 5.5.1 Say HELO or EHLO first';
        }
        if ($session->sender !== null) {
            return '503 5.5.1 There is a mail already';
        }
        [$address, $parameters] = $this->address($argument, 'FROM:');
        if ($address === null || ($address !== '' && !$this->isMailbox($address))) {
            return '501 5.1.7 Want MAIL FROM:<address>';
        }
        foreach ($parameters as $parameter) {
            [$name, $value] = explode('=', strtoupper($parameter), 2) + [1 => ''];
            if ($name === 'SIZE' && preg_match('/^\d{1,20}$/D', $value)) {
                if ((float) $value > $this->maxSize) {
                    return "552 5.3.4 The mail is larger than $this->maxSize bytes";
                }
            } elseif ($name === 'SIZE' || ($name === 'BODY' && $value !== '7BIT' && $value !== '8BITMIME')) {
                return "501 5.5.4 Bad value: $name";
            } elseif ($name !== 'BODY') {
                return '555 5.5.4 Unknown parameter';
            }
        }
        $session->sender = $address;
        return '250 2.1.0 OK';
    }

    private function recipient(SmtpSession $session, string $argument): string
    {
        if ($session->sender === null) {
            return '503 5.5.1 Say MAIL first';
        }
        [$address, $parameters] = $this->address($argument, 'TO:');
        if ($address === null || (strcasecmp($address, 'postmaster') !== 0 && !$this->isMailbox($address))) {
            return '501 5.1.3 Want RCPT TO:<address>';
        }
        if ($parameters !== []) {
            return '555 5.5.4 Unknown parameter';
        }
        if (count($session->recipients) >= self::MAX_RECIPIENTS) {
            return '452 4.5.3 Too many recipients';
        }
        $session->recipients[] = $address;
        return '250 2.1.5 OK';
    }

    private function startMail(SmtpSession $session, string $uuid, string $argument): string
    {
        if ($argument !== '') {
            return '501 5.5.4 DATA takes no argument';
        }
        if ($session->recipients === []) {
            return $session->sender === null ? '503 5.5.1 Say MAIL first' : '503 5.5.1 Say RCPT first';
        }
        if (!$this->mails->begin($uuid)) {
            return '451 4.3.0 Cannot store mails now';
        }
        $session->inMail = true;
        return '354 End with <CRLF>.<CRLF>';
    }

    private function reset(SmtpSession $session, string $argument): string
    {
        if ($argument !== '') {
            return '501 5.5.4 RSET takes no argument';
        }
        $session->reset();
        return '250 2.0.0 OK';
    }

    /** @return array{string|null, list<string>} the address, null when there is none, and the parameters after it */
    private function address(string $argument, string $keyword): array
    {
        $path = ltrim(substr($argument, strlen($keyword)));
        if (strncasecmp($argument, $keyword, strlen($keyword)) !== 0 || !preg_match(self::PATH, $path, $match)) {
            return [null, []];
        }
        return [$match[1], preg_split('/\s+/', $match[2] ?? '', -1, PREG_SPLIT_NO_EMPTY)];
    }

    private function isMailbox(string $address): bool
    {
        $at = strrpos($address, '@');
        return $at !== false && $at >= 1 && $at <= 64
            && strlen($address) <= 254
            && preg_match('/^[\x20-\x7e]+@(?:[A-Za-z0-9.-]+|\[[\x21-\x5a\x5e-\x7e]+\])$/D', $address) === 1;
    }

    // The mail itself

    /**
     * Takes as much of the mail as there is in the input: to its end, a line with a dot alone, or all.
     *
     * Only the new bytes are looked at, and appended to the file: a mail of many events costs no more than one of few.
     *
     * @return string|null the answer at the mail's end; null when there is more to come
     */
    private function takeMail(SmtpSession $session, string $uuid, string $input, int &$offset): ?string
    {
        if ($session->atLineStart && substr_compare($input, ".\r\n", $offset, 3) === 0) {
            $end = $offset;
        } else {
            $end = strpos($input, "\r\n.\r\n", $offset);
            $end = $end === false ? null : $end + 2;
        }

        if ($end !== null) {
            $this->append($session, $uuid, substr($input, $offset, $end - $offset));
            $offset = $end + 3;
            return $this->finishMail($session, $uuid);
        }

        // The start of what may become the end has to wait for the rest.
        $lineEnd = strrpos($input, "\r\n", $offset);
        $lastLine = $lineEnd === false ? substr($input, $offset) : substr($input, $lineEnd + 2);
        $startsLine = $lineEnd !== false || $session->atLineStart;
        if ($startsLine && ($lastLine === '.' || $lastLine === ".\r")) {
            $session->unfinished = $lastLine;
        } elseif (str_ends_with($lastLine, "\r")) {
            $session->unfinished = "\r";
        }
        $length = strlen($input) - $offset - strlen($session->unfinished);
        $this->append($session, $uuid, substr($input, $offset, $length));
        $session->atLineStart = $startsLine && $lastLine === $session->unfinished;
        $offset = strlen($input);
        return null;
    }

    /**
     * Appends a piece of the mail without the dots that its lines were sent with (RFC 5321, 4.5.2).
     *
     * A line ends with CRLF. A mail must not have a LF alone, but some clients (Python's smtplib) send it and double a
     * dot behind it as well; that is undone so that such a mail, too, is stored as it was given to the client.
     */
    private function append(SmtpSession $session, string $uuid, string $piece): void
    {
        if ($piece === '' || $session->refusal !== null) {
            return;
        }
        if ($session->atLineStart && $piece[0] === '.') {
            $piece = substr($piece, 1);
        }
        $size = $this->mails->append($uuid, preg_replace('/(?<=\r\n)\.|(?<=\n)\.(?=\.)/', '', $piece));
        if ($size === null) {
            $session->refusal = '452 4.3.1 No room for the mail';
        } elseif ($size > $this->maxSize) {
            $session->refusal = "552 5.3.4 The mail is larger than $this->maxSize bytes";
        }
        if ($session->refusal !== null) {
            $this->mails->discard($uuid);
        }
    }

    private function finishMail(SmtpSession $session, string $uuid): string
    {
        $answer = $session->refusal;
        if ($answer === null) {
            $name = sprintf('%d.%s.%d', time(), $uuid, ++$session->mails);
            $delivered = $this->mails->deliver($uuid, $name, [
                'from' => $session->sender,
                'to' => $session->recipients,
                'client' => $session->clientName,
                'remote_addr' => $session->remoteAddr,
                'received' => date(DATE_RFC3339),
            ]);
            $answer = $delivered ? "250 2.0.0 OK, stored as $name" : '451 4.3.0 The mail could not be stored';
        }
        $session->reset();
        return $answer;
    }
}
