// What the fuzz worker is made of: chance, frames, and the ways to end or to leave things behind.
#pragma once
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "goridge.h"

enum { CONTROL = 0x01, ERROR = 0x40 };
// What a pipe takes whole or not at all.
enum { ATOMIC = 4096 };

// Chance: SplitMix64.

static uint64_t seed;

static uint64_t draw(void) {
    uint64_t bits = seed += 0x9e3779b97f4a7c15;
    bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9;
    bits = (bits ^ bits >> 27) * 0x94d049bb133111eb;
    return bits ^ bits >> 31;
}

// 0 ... limit - 1
static uint32_t pick(uint32_t limit) { return (uint32_t)(draw() % limit); }

static int chance(uint32_t percent) { return pick(100) < percent; }

// Up to so many milliseconds, short times as likely as long ones.
static void doze(uint32_t milliseconds) { usleep(pick(1 + (1000 * milliseconds >> pick(10)))); }

static _Noreturn void nothing(void) {
    for (;;) pause();
}

// Whether its output has gone to /dev/null, and it goes on. Then it does not end by itself. A script that ends closes its
// output some time before its process is gone, and what is in its buffer then was never begun: no server can tell that
// script from a worker that has gone on unheard until it ended. What has to be killed it can tell.
static int is_unheard;

static _Noreturn void leave_off(void) {
    if (is_unheard) nothing();
    _exit(0);
}

// Bytes to and from the server.

static void put(const void *bytes, size_t length) {
    const uint8_t *at = bytes;
    while (length) {
        ssize_t written = write(STDOUT_FILENO, at, length);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) leave_off();
        at += written;
        length -= (size_t)written;
    }
}

static void take(uint8_t *into, size_t length) {
    while (length) {
        ssize_t got = read(STDIN_FILENO, into, length);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) leave_off();
        into += got;
        length -= (size_t)got;
    }
}

// A frame without options.
static size_t plain(uint8_t *out, int flags, const char *text) {
    size_t length = strlen(text);
    size_t start = goridge_start(out, 3, flags, (uint32_t)length);
    memcpy(out + start, text, length);
    return start + length;
}

static size_t pid_frame(uint8_t *out) {
    char text[40];
    snprintf(text, sizeof text, "{\"pid\":%d}", (int)getpid());
    return plain(out, CONTROL, text);
}

// Changes some bytes of a frame. With or without a right checksum; what is written may be a byte longer or shorter.
static size_t mutate(uint8_t *frame, size_t length) {
    for (uint32_t times = 1 + pick(3); times; times--) {
        size_t at = pick((uint32_t)(chance(70) && length > 20 ? 20 : length));
        switch (pick(6)) {
        case 0: frame[at] ^= (uint8_t)(1 + pick(255)); break;
        case 1: memmove(frame + at, frame + at + 1, --length - at); break;
        case 2:
            memmove(frame + at + 1, frame + at, length++ - at);
            frame[at] = (uint8_t)draw();
            break;
        case 3:
            frame[1] = chance(50) ? (uint8_t)(1 << pick(8)) : (uint8_t)draw();
            store32(frame + 6, goridge_checksum(frame));
            break;
        case 4:
            store32(frame + 2, load32(frame + 2) + pick(60) - 30);
            store32(frame + 6, goridge_checksum(frame));
            break;
        default:
            frame[0] = (uint8_t)(0x10 | pick(16));
            store32(frame + 6, goridge_checksum(frame));
        }
        if (length < 16) break;
    }
    return length;
}

// Whether a frame announces more bytes than it has.
static int is_cut(const uint8_t *frame, size_t length) {
    return length >= GORIDGE_FIXED && goridge_checksum(frame) == load32(frame + 6) &&
           goridge_header_length(frame) + (uint64_t)goridge_payload_length(frame) > length;
}

// Control frames that nobody asked for, and that only this worker spells so.
static size_t unasked(uint8_t *out) {
    static const char *const texts[] = {"{\"stop\": true}", "{}", "", "{", "{\"pid\":\"x\"}", "{\"pid\":-1}", "text"};
    return plain(out, CONTROL, texts[pick(7)]);
}

static void noise(void) {
    static const char *const texts[] = {"\n", "PHP Warning:  by mistake in fuzz.php on line 7\n", "x", "{\"a\":1}\n"};
    const char *text = texts[pick(4)];
    put(text, strlen(text));
}

// Ends, and what is no end.

// Whether it has left its group, and so may not be killed with it: then it has a timer that ends it.
static int has_left;

static _Noreturn void die(void) {
    if (is_unheard) nothing();
    static const int signals[] = {SIGKILL, SIGKILL, SIGTERM, SIGABRT, SIGSEGV, SIGPIPE, SIGSTOP};
    if (chance(50)) _exit((int)pick(4));
    signal(SIGPIPE, SIG_DFL);
    raise(signals[pick(has_left ? 6 : 7)]);
    nothing();
}

static void set_timer(uint32_t milliseconds) {
    struct itimerval when = {.it_value.tv_usec = 1 + pick(1000 * milliseconds)};
    setitimer(ITIMER_REAL, &when, NULL);
}

// Dies within so many milliseconds, wherever it is then.
static void bomb(uint32_t milliseconds) {
    if (has_left || is_unheard) return;
    signal(SIGALRM, SIG_DFL);
    set_timer(milliseconds);
}

// Loses some of the descriptors 0, 1 and 2, at least one, for good or to /dev/null.
static void lose(void) {
    uint32_t which = chance(40) ? 1 : 1 + pick(7);
    int null = chance(30) ? open("/dev/null", O_RDWR) : -1;
    for (int number = 0; number < 3; number++) {
        if (!(which >> number & 1)) continue;
        if (null < 0)
            close(number);
        else
            dup2(null, number);
    }
    if (null == STDOUT_FILENO || (null >= 0 && which >> STDOUT_FILENO & 1)) {
        is_unheard = 1;
        if (!has_left) signal(SIGALRM, SIG_IGN);
    }
}

static void lose_now(int signal) {
    (void)signal;
    lose();
    if (chance(60)) nothing();
}

// Loses them within so many milliseconds, wherever it is then: at rest, mostly.
static void lose_later(uint32_t milliseconds) {
    if (has_left || is_unheard) return;
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = lose_now}, NULL);
    set_timer(milliseconds);
}

// Leaves the server's reach: its own group for the server's.
static void leave(void) {
    has_left = 1;
    setpgid(0, getpgid(getppid()));
    // In case nobody else ends it.
    signal(SIGALRM, SIG_DFL);
    alarm(8);
}

// Starts a process that has some of this one's descriptors for a while, as `proc_open` does with a helper.
static void helper(void) {
    pid_t child = fork();
    if (child) return;
    alarm(0);
    for (int number = 0; number < 3; number++) {
        if (chance(40)) close(number);
    }
    if (chance(30)) setsid();
    if (chance(20)) setpgid(0, 0);
    // Its parent gone before it: the server's child now, or process 1's.
    if (chance(40) && fork()) _exit(0);
    if (chance(30)) execlp("sleep", "sleep", "1.5", (char *)NULL);
    doze(3000);
    _exit(0);
}

static void flood(void) {
    static char line[8192];
    memset(line, 'x', sizeof line);
    for (uint32_t left = 4 + pick(16); left; left--) {
        uint32_t length = 1 + pick(sizeof line - 1);
        line[length - 1] = chance(80) ? '\n' : 'x';
        if (write(STDERR_FILENO, line, length) < 0) return;
        line[length - 1] = 'x';
    }
}
