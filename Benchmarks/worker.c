// worker [MICROSECONDS]: a worker that costs next to nothing: answers DATA with its body, other events with CONTINUE.
// With MICROSECONDS it sleeps so long before each answer to DATA, as a worker that waits for a database.
//
// Answers to frames that came together are one write, as of the PHP package.
//
// Speaks Goridge v3 over standard input and output, without checks: a yardstick trusts its server.
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "goridge.h"

static uint8_t *output;
static size_t output_capacity, output_length;

static void put(const void *bytes, size_t length) {
    if (output_length + length > output_capacity) {
        output_capacity = 2 * (output_length + length);
        if (!(output = realloc(output, output_capacity))) exit(1);
    }
    memcpy(output + output_length, bytes, length);
    output_length += length;
}

static void flush(void) {
    for (size_t done = 0; done < output_length;) {
        ssize_t written = write(STDOUT_FILENO, output + done, output_length - done);
        if (written > 0) done += (size_t)written;
        else if (errno != EINTR) exit(1);
    }
    output_length = 0;
}

// Answers one frame; false after the stop message.
static int answer(uint8_t *frame, const struct timespec *pause) {
    uint8_t *payload = frame + goridge_header_length(frame);
    uint32_t length = goridge_payload_length(frame);
    uint8_t head[64];

    if (goridge_is_control(frame)) {
        if (memmem(payload, length, "\"stop\":true", 11)) return 0;
        char text[64];
        int size = snprintf(text, sizeof text, "{\"pid\":%d,\"answers\":\"batched\"}", (int)getpid());
        put(head, goridge_control_header(head, (uint32_t)size));
        put(text, (size_t)size);
        return 1;
    }

    uint32_t context = goridge_option(frame);
    int is_data = memmem(payload, context, "\"event\":\"DATA\"", 14) != NULL;
    const char *action = is_data ? "WRITE" : "CONTINUE";
    uint32_t action_length = (uint32_t)strlen(action);
    uint32_t body = is_data ? length - context : 0;
    if (is_data && (pause->tv_sec || pause->tv_nsec)) {
        flush();
        nanosleep(pause, NULL);
    }

    put(head, goridge_header(head, action_length, body));
    put(action, action_length);
    put(payload + context, body);
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
        flush();
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
