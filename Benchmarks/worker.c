// worker [MICROSECONDS]: a worker that costs next to nothing: answers DATA with its body, other events with CONTINUE.
// With MICROSECONDS it sleeps so long before each answer to DATA, as a worker that waits for a database.
//
// Speaks Goridge v3 over standard input and output, without checks: a yardstick trusts its server.
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "goridge.h"

static void write_all(struct iovec *part, int parts) {
    while (parts > 0) {
        ssize_t written = writev(STDOUT_FILENO, part, parts);
        if (written < 0) {
            if (errno == EINTR) continue;
            exit(1);
        }
        while (parts > 0 && (size_t)written >= part->iov_len) {
            written -= (ssize_t)part->iov_len;
            part++;
            parts--;
        }
        if (parts > 0) {
            part->iov_base = (uint8_t *)part->iov_base + written;
            part->iov_len -= (size_t)written;
        }
    }
}

// Answers one frame; false after the stop message.
static int answer(uint8_t *frame, const struct timespec *pause) {
    uint8_t *payload = frame + goridge_header_length(frame);
    uint32_t length = goridge_payload_length(frame);
    uint8_t head[64];

    if (goridge_is_control(frame)) {
        if (memmem(payload, length, "\"stop\":true", 11)) return 0;
        char text[40];
        int size = snprintf(text, sizeof text, "{\"pid\":%d}", (int)getpid());
        size_t start = goridge_control_header(head, (uint32_t)size);
        memcpy(head + start, text, (size_t)size);
        write_all(&(struct iovec){head, start + (size_t)size}, 1);
        return 1;
    }

    uint32_t context = goridge_option(frame);
    int is_data = memmem(payload, context, "\"event\":\"DATA\"", 14) != NULL;
    const char *action = is_data ? "WRITE" : "CONTINUE";
    uint32_t action_length = (uint32_t)strlen(action);
    uint32_t body = is_data ? length - context : 0;
    if (is_data && (pause->tv_sec || pause->tv_nsec)) nanosleep(pause, NULL);

    size_t start = goridge_header(head, action_length, body);
    memcpy(head + start, action, action_length);
    struct iovec parts[2] = {{head, start + action_length}, {payload + context, body}};
    write_all(parts, body ? 2 : 1);
    return 1;
}

int main(int count, char **arguments) {
    long microseconds = count > 1 ? atol(arguments[1]) : 0;
    struct timespec pause = {microseconds / 1000000, microseconds % 1000000 * 1000};
    size_t capacity = 1 << 16, have = 0;
    uint8_t *buffer = malloc(capacity);

    for (;;) {
        size_t used = 0, wanted;
        while ((wanted = goridge_frame_length(buffer + used, have - used)) <= have - used) {
            if (!answer(buffer + used, &pause)) return 0;
            used += wanted;
        }
        if (used) memmove(buffer, buffer + used, have -= used);
        if (wanted > capacity) {
            while (capacity < wanted) capacity *= 2;
            if (!(buffer = realloc(buffer, capacity))) return 1;
        }
        ssize_t got = read(STDIN_FILENO, buffer + have, capacity - have);
        if (got == 0) return 0;
        if (got < 0 && errno != EINTR) return 1;
        if (got > 0) have += (size_t)got;
    }
}
