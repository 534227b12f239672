<?php

declare(strict_types=1);

/**
 * What an SMTP conversation has come to. Lives in the server between two events, see {@see SmtpSessionStore}.
 */
final class SmtpSession
{
    /** What the client calls itself; null before HELO or EHLO. */
    public ?string $clientName = null;
    /** The mail's return address, empty for bounces; null when no mail was begun. */
    public ?string $sender = null;
    /** @var list<string> */
    public array $recipients = [];
    /** Whether the client is sending the mail itself, not commands. */
    public bool $inMail = false;
    /** In the mail: whether the next byte is the first one of a line. */
    public bool $atLineStart = true;
    /** Why the mail being sent will be refused at its end; what comes of it is thrown away. */
    public ?string $refusal = null;
    /** The start of a line whose rest has not arrived. */
    public string $unfinished = '';
    /** So many bytes of the next event were in the last one, and are done with. */
    public int $kept = 0;
    /** Whether the connection is in clear and may be encrypted. */
    public bool $offersTls = false;
    public int $mails = 0;
    public int $errors = 0;

    public function __construct(public readonly string $remoteAddr)
    {
    }

    /** Forgets the mail that was begun. */
    public function reset(): void
    {
        $this->sender = null;
        $this->recipients = [];
        $this->inMail = false;
        $this->atLineStart = true;
        $this->refusal = null;
    }
}
