// floor PORT WORKERS WORKER [ARGUMENT...]: the least that a relay must do, as a yardstick: one thread, one epoll loop,
// packets that end in CRLF, Goridge frames over pipes to WORKERS processes. Listens on 127.0.0.1.
//
// Does the same work as the server measured against it: the events CONNECTED, DATA and CLOSE, waiting connections served
// in order, writes that do not fit are kept and sent later. No limits, no recovery, no second listener.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "goridge.h"

enum kind { LISTENER, CLIENT, WORKER_INPUT, WORKER_OUTPUT };
enum event { CONNECTED, DATA, CLOSE };

struct bytes {
    uint8_t *data;
    size_t have, capacity;
    size_t sent;  // of what is kept for sending
};

struct worker;

// What epoll hands back: whose descriptor it is.
struct source {
    enum kind kind;
    int fd;
    struct worker *worker;
};

struct client {
    struct source source;
    struct bytes in, out;
    size_t packet;
    enum event event;
    int busy, gone;
    char context[3][160];
    int context_length[3];
    struct client *next;
};

struct worker {
    struct source input, output;
    struct bytes in, out;
    struct client *client;
    struct worker *next;
};

static int poller;
static struct worker *idle;
static struct client *first_waiting, *last_waiting;

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void reserve(struct bytes *bytes, size_t more) {
    if (bytes->capacity - bytes->have >= more) return;
    if (!bytes->capacity) bytes->capacity = 2048;
    while (bytes->capacity - bytes->have < more) bytes->capacity *= 2;
    if (!(bytes->data = realloc(bytes->data, bytes->capacity))) die("realloc");
}

static void append(struct bytes *bytes, const void *data, size_t size) {
    reserve(bytes, size);
    memcpy(bytes->data + bytes->have, data, size);
    bytes->have += size;
}

static void drop(struct bytes *bytes, size_t size) {
    bytes->have -= size;
    if (bytes->have) memmove(bytes->data, bytes->data + size, bytes->have);
}

static void watch(struct source *source, int operation, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = source};
    if (epoll_ctl(poller, operation, source->fd, &event)) die("epoll_ctl");
}

// Writes what goes at once; the rest is kept, and `source` watched until it went.
static void send_parts(struct source *source, struct bytes *kept, struct iovec *part, int parts, uint32_t events) {
    if (!kept->have) {
        ssize_t written = writev(source->fd, part, parts);
        if (written < 0) {
            if (errno != EAGAIN) return;
            written = 0;
        }
        while (parts && (size_t)written >= part->iov_len) {
            written -= (ssize_t)part->iov_len;
            part++;
            parts--;
        }
        if (!parts) return;
        part->iov_base = (uint8_t *)part->iov_base + written;
        part->iov_len -= (size_t)written;
        watch(source, EPOLL_CTL_MOD, events | EPOLLOUT);
    }
    for (; parts; part++, parts--) append(kept, part->iov_base, part->iov_len);
}

static void send_kept(struct source *source, struct bytes *kept, uint32_t events) {
    ssize_t written = write(source->fd, kept->data + kept->sent, kept->have - kept->sent);
    if (written < 0 && errno == EAGAIN) return;
    kept->sent += written < 0 ? kept->have - kept->sent : (size_t)written;
    if (kept->sent < kept->have) return;
    kept->have = kept->sent = 0;
    watch(source, EPOLL_CTL_MOD, events);
}

static void give(struct worker *worker, struct client *client) {
    // A client that left while it waited: what it had sent is no longer wanted here.
    size_t body = client->event == DATA && !client->gone ? client->packet : 0;
    size_t context = (size_t)client->context_length[client->event];
    uint8_t head[GORIDGE_WITH_OPTION + sizeof client->context[0]];
    size_t start = goridge_header(head, (uint32_t)context, (uint32_t)body);
    memcpy(head + start, client->context[client->event], context);
    struct iovec parts[2] = {{head, start + context}, {client->in.data, body}};
    worker->client = client;
    send_parts(&worker->input, &worker->out, parts, body ? 2 : 1, 0);
    if (body) drop(&client->in, body);
}

static void submit(struct client *client, enum event event) {
    client->busy = 1;
    client->event = event;
    if (idle) {
        struct worker *worker = idle;
        idle = worker->next;
        give(worker, client);
        return;
    }
    client->next = NULL;
    if (first_waiting) last_waiting->next = client;
    else first_waiting = client;
    last_waiting = client;
}

// What has come is a packet once it ends with the delimiter: packets sent in one go arrive together.
static void submit_packet(struct client *client) {
    size_t have = client->in.have;
    if (have >= 2 && client->in.data[have - 2] == '\r' && client->in.data[have - 1] == '\n') {
        client->packet = have;
        submit(client, DATA);
    }
}

static void finish(struct worker *worker, uint8_t *frame) {
    struct client *client = worker->client;
    uint8_t *payload = frame + goridge_header_length(frame);
    uint32_t context = goridge_option(frame), length = goridge_payload_length(frame);
    enum event event = client->event;

    if (context == 5 && !memcmp(payload, "WRITE", 5) && !client->gone) {
        send_parts(&client->source, &client->out, &(struct iovec){payload + 5, length - 5}, 1, EPOLLIN);
    }
    client->busy = 0;
    if (first_waiting) {
        struct client *next = first_waiting;
        first_waiting = next->next;
        give(worker, next);
    } else {
        worker->next = idle;
        idle = worker;
    }
    if (event == CLOSE) {
        free(client->in.data);
        free(client->out.data);
        free(client);
    } else if (client->gone) {
        submit(client, CLOSE);
    } else if (client->in.have) {
        submit_packet(client);
    }
}

static void read_worker(struct worker *worker) {
    struct bytes *in = &worker->in;
    size_t wanted = goridge_frame_length(in->data, in->have);
    // Room for all of a frame as soon as its length is known: a pipe gives no more than 64 KiB at once.
    reserve(in, wanted > in->have + 65536 ? wanted - in->have : 65536);
    ssize_t got = read(worker->output.fd, in->data + in->have, in->capacity - in->have);
    if (got == 0) exit(1);
    if (got < 0) return;
    in->have += (size_t)got;
    if (goridge_frame_length(in->data, in->have) > in->have) return;
    if (in->have < GORIDGE_FIXED || goridge_checksum(in->data) != load32(in->data + 6)) abort();
    // A worker answers one frame at a time.
    in->have = 0;
    finish(worker, in->data);
}

static void read_client(struct client *client) {
    reserve(&client->in, client->in.have + 2048 > client->in.capacity ? client->in.capacity + 2048 : 1);
    ssize_t got = read(client->source.fd, client->in.data + client->in.have, client->in.capacity - client->in.have);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
        close(client->source.fd);
        client->gone = 1;
        if (!client->busy) submit(client, CLOSE);
        return;
    }
    client->in.have += (size_t)got;
    if (!client->busy) submit_packet(client);
}

static void accept_clients(int listener) {
    static const char *const names[] = {"CONNECTED", "DATA", "CLOSE"};
    struct sockaddr_in peer;
    int fd, one = 1;
    for (;;) {
        socklen_t size = sizeof peer;
        if ((fd = accept4(listener, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC)) < 0) return;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct client *client = calloc(1, sizeof *client);
        if (!client) die("calloc");
        client->source = (struct source){CLIENT, fd, NULL};
        for (int i = 0; i < 3; i++) {
            client->context_length[i] = snprintf(
                client->context[i], sizeof client->context[i],
                "{\"remote_addr\":\"%s:%d\",\"server\":\"bench0\",\"uuid\":\"%08x-0000-4000-8000-%012x\",\"event\":\"%s\"}",
                inet_ntoa(peer.sin_addr), ntohs(peer.sin_port), (unsigned)random(), (unsigned)random(), names[i]);
        }
        watch(&client->source, EPOLL_CTL_ADD, EPOLLIN);
        submit(client, CONNECTED);
    }
}

static void start_worker(char **command) {
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC)) die("pipe2");
    pid_t child = fork();
    if (child < 0) die("fork");
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGPIPE, SIG_DFL);
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        execvp(command[0], command);
        die(command[0]);
    }
    close(in[0]);
    close(out[1]);
    struct worker *worker = calloc(1, sizeof *worker);
    if (!worker) die("calloc");
    worker->input = (struct source){WORKER_INPUT, in[1], worker};
    worker->output = (struct source){WORKER_OUTPUT, out[0], worker};
    reserve(&worker->in, 65536);

    // The handshake, while nobody waits: blocking. What the worker says is of no interest.
    uint8_t hello[GORIDGE_FIXED + 9], answer[128];
    size_t start = goridge_control_header(hello, 9);
    memcpy(hello + start, "{\"pid\":1}", 9);
    if (write(in[1], hello, sizeof hello) < 0 || read(out[0], answer, sizeof answer) <= 0) die("handshake");

    fcntl(in[1], F_SETFL, O_NONBLOCK);
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    watch(&worker->input, EPOLL_CTL_ADD, 0);
    watch(&worker->output, EPOLL_CTL_ADD, EPOLLIN);
    worker->next = idle;
    idle = worker;
}

static void dispatch(struct source *source, uint32_t events) {
    switch (source->kind) {
    case LISTENER: accept_clients(source->fd); break;
    case WORKER_OUTPUT: read_worker(source->worker); break;
    case WORKER_INPUT:
        if (source->worker->out.have) send_kept(source, &source->worker->out, 0);
        break;
    case CLIENT: {
        struct client *client = (struct client *)source;
        if (events & EPOLLOUT) send_kept(source, &client->out, EPOLLIN);
        if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read_client(client);
    }
    }
}

int main(int count, char **arguments) {
    if (count < 4) {
        fprintf(stderr, "usage: floor PORT WORKERS WORKER [ARGUMENT...]\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    poller = epoll_create1(EPOLL_CLOEXEC);
    for (int i = atoi(arguments[2]); i > 0; i--) start_worker(arguments + 3);

    int one = 1;
    struct source listener = {LISTENER, socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), NULL};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(arguments[1]))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener.fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener.fd, (struct sockaddr *)&address, sizeof address) || listen(listener.fd, 4096)) die("listen");
    watch(&listener, EPOLL_CTL_ADD, EPOLLIN);

    for (;;) {
        struct epoll_event events[256];
        int ready = epoll_wait(poller, events, 256, -1);
        for (int i = 0; i < ready; i++) dispatch(events[i].data.ptr, events[i].events);
    }
}
