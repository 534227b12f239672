// load KEY=VALUE...: drives an echo service on 127.0.0.1 and prints what it saw as one line of JSON.
//
//   mode=closed    every connection sends a packet when the one before came back
//   mode=open      packets are due at a fixed rate, whatever comes back; latency counts from the moment a packet was due,
//                  not from when it could be sent, so that a stall of the server counts for all who would have asked
//                  during it (no coordinated omission); histogram_since_sent counts from when it was sent
//   mode=storm     connect, one packet, close; again and again on `connections` at a time
//   mode=arrivals  as storm, but connections are due at a fixed rate, at most `connections` at a time; latency from then,
//                  and histogram_since_sent from when it was dialled
//   mode=idle      opens `connections`, says {"open":N} on a line of its own, holds them; with first=1 each sends a packet
//                  when it is open
//   mode=slow      every connection sends all it can and reads `drip` bytes each 100 ms
//
//   port=P[,P...]  shared out over the connections       connections=N (1)
//   size=BYTES     of a packet, CRLF included (64)       seconds=S (1), at most so long: measured
//   depth=N        packets in flight a connection (1)    warmup=S (0), before that
//   rate=N         a second, for open and arrivals       requests=N (0: no limit), ends after so many
//   piece=BYTES    the most sent at once (0: no limit)   drip=BYTES (1024)
//   pid=N[,N...]   processes whose CPU time is told, of what is measured alone: without opening and closing of a herd
//
// load-tls is the same over TLS 1.3, without mode=slow, and has one key more:
//
//   resume=0|1     with 1 every connection but the first of each slot continues the session of the one before it
//
// One thread. Exit code 1 when connections could not be opened, 2 for wrong usage.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "histogram.h"
#include "wire.h"

enum mode { CLOSED, OPEN, STORM, ARRIVALS, IDLE, SLOW, MODES };
static const char *const mode_names[] = {"closed", "open", "storm", "arrivals", "idle", "slow"};

struct packet {
    uint64_t due, sent;
};

struct connection {
    int fd, number;
    struct wire wire;
    int connected, watching_writes;
    size_t unsent, position;  // bytes due, and where in the pattern they start
    size_t received;          // of the packet that is coming
    struct packet *packets;   // ring of `depth`: those in flight
    int first, in_flight;
    uint64_t next_due;        // open loop: when this connection's next packet is due
    uint64_t dialled;
    struct connection *next_free;
};

static enum mode mode = CLOSED;
static int ports[64], port_count, pids[64], pid_count, connections = 1, depth = 1, first;
static long size = 64, requests, piece, drip = 1024;
static double seconds = 1, warmup, rate;

static int poller, up;
static char *pattern, *scratch;
static size_t pattern_length;
static const size_t scratch_length = 1 << 20;
static struct connection *all, *free_connections;
static struct histogram latencies, since_sent;
static uint64_t measured_from, stop_at, failures, refused, late, bytes_in, cpu_before;
static int started, measuring;

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

// Nanoseconds that all threads of a process were on a CPU; 0 when the kernel does not tell.
static uint64_t cpu_time(int pid) {
    char path[300];
    uint64_t total = 0;
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *tasks = opendir(path);
    if (!tasks) return 0;
    for (struct dirent *task; (task = readdir(tasks));) {
        // `..` has a schedstat too: the first thread's.
        if (task->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", pid, task->d_name);
        FILE *file = fopen(path, "r");
        unsigned long long time = 0;
        if (!file) continue;
        if (fscanf(file, "%llu", &time) == 1) total += time;
        fclose(file);
    }
    closedir(tasks);
    return total;
}

static uint64_t cpu_times(void) {
    uint64_t total = 0;
    for (int i = 0; i < pid_count; i++) total += cpu_time(pids[i]);
    return total;
}

static int one_packet_each(void) { return mode == STORM || mode == ARRIVALS; }

static void watch(struct connection *connection, int operation, int writes) {
    // A slow reader reads by the clock only.
    struct epoll_event event = {.events = (mode == SLOW ? 0 : EPOLLIN) | (writes ? EPOLLOUT : 0), .data.ptr = connection};
    if (epoll_ctl(poller, operation, connection->fd, &event)) die("epoll_ctl");
    connection->watching_writes = writes;
}

static void hang_up(struct connection *connection) {
    wire_end(&connection->wire);
    close(connection->fd);
    connection->fd = -1;
}

static int dial(struct connection *connection) {
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection->fd < 0) die("socket");
    int one = 1, small = 4096;
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (mode == SLOW) setsockopt(connection->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    connection->connected = 0;
    connection->unsent = connection->position = connection->received = 0;
    connection->first = connection->in_flight = 0;
    connection->dialled = now();
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_port = htons((uint16_t)ports[connection->number % port_count]);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(connection->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS) {
        hang_up(connection);
        return -1;
    }
    wire_start(&connection->wire, connection->fd);
    watch(connection, EPOLL_CTL_ADD, 1);
    return 0;
}

static void record(struct packet packet, uint64_t at) {
    if (at < measured_from) return;
    histogram_record(&latencies, at - packet.due);
    histogram_record(&since_sent, at - packet.sent);
}

// Sends what is due; -1 when the connection is broken.
static int flush(struct connection *connection) {
    while (connection->unsent) {
        size_t length = pattern_length - connection->position;
        if (length > connection->unsent) length = connection->unsent;
        if (piece && length > (size_t)piece) length = (size_t)piece;
        ssize_t sent = wire_send(&connection->wire, connection->fd, pattern + connection->position, length);
        if (sent < 0) {
            if (errno != EAGAIN) return -1;
            if (!connection->watching_writes) watch(connection, EPOLL_CTL_MOD, 1);
            return 0;
        }
        connection->unsent -= (size_t)sent;
        // The pattern is whole packets, so it wraps at a packet's end.
        connection->position = (connection->position + (size_t)sent) % pattern_length;
    }
    if (connection->watching_writes) watch(connection, EPOLL_CTL_MOD, 0);
    return 0;
}

static void add_packet(struct connection *connection, uint64_t due, uint64_t sent) {
    connection->packets[(connection->first + connection->in_flight++) % depth] = (struct packet){due, sent};
    connection->unsent += (size_t)size;
}

static uint64_t interval(void) { return (uint64_t)(1e9 * connections / rate); }

// Packets that may go now: as many as are due and as the depth allows.
static int send_due(struct connection *connection, uint64_t at) {
    while (connection->in_flight < depth) {
        if (mode == OPEN) {
            if (connection->next_due > at) break;
            add_packet(connection, connection->next_due, at);
            connection->next_due += interval();
        } else {
            add_packet(connection, at, at);
        }
    }
    return flush(connection);
}

// The end of a connection in the modes that open new ones.
static void renew(struct connection *connection) {
    hang_up(connection);
    if (mode == STORM) {
        if (dial(connection)) failures++;
    } else {
        connection->next_free = free_connections;
        free_connections = connection;
    }
}

// A connection that the server closed or refused. In the modes that hold connections it stays closed.
static void lost(struct connection *connection) {
    refused++;
    if (one_packet_each() && started) {
        renew(connection);
    } else {
        hang_up(connection);
    }
}

static int finished(uint64_t at) {
    return started && (at >= stop_at || (requests && latencies.count >= (uint64_t)requests));
}

static int receive(struct connection *connection) {
    ssize_t got = wire_receive(&connection->wire, connection->fd, scratch, scratch_length);
    if (got < 0 && errno == EAGAIN) return 0;
    if (got <= 0) return -1;
    uint64_t at = now();
    if (at >= measured_from) bytes_in += (uint64_t)got;
    connection->received += (size_t)got;
    while (connection->received >= (size_t)size) {
        // More than was asked for, or another packet than the one that was sent, is no echo.
        if (!connection->in_flight) return -1;
        connection->received -= (size_t)size;
        if (scratch[(size_t)got - 1 - connection->received % (size_t)got] != '\n') failures++;
        record(connection->packets[connection->first], at);
        connection->first = (connection->first + 1) % depth;
        connection->in_flight--;
    }
    if (requests && latencies.count >= (uint64_t)requests) return 0;
    if (one_packet_each()) {
        if (!connection->in_flight) renew(connection);
        return 0;
    }
    return started && mode != IDLE ? send_due(connection, at) : 0;
}

static int connected(struct connection *connection) {
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &length);
    int wants_write = 0, step = error ? -1 : wire_establish(&connection->wire, &wants_write);
    if (!step) {
        if (wants_write != connection->watching_writes) watch(connection, EPOLL_CTL_MOD, wants_write);
        return 0;
    }
    up++;
    if (step < 0) return -1;
    connection->connected = 1;
    if (mode == STORM || (mode == IDLE && first)) add_packet(connection, connection->dialled, connection->dialled);
    if (mode == ARRIVALS) add_packet(connection, connection->next_due, connection->dialled);
    return flush(connection);
}

static void handle(struct connection *connection, uint32_t events) {
    int broken = 0;
    if (connection->fd < 0) return;
    if (!connection->connected) {
        broken = connected(connection);
    } else {
        if (events & EPOLLOUT) broken = flush(connection);
        if (!broken && mode == SLOW) broken = (events & (EPOLLHUP | EPOLLERR)) != 0;
        else if (!broken && events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
            do broken = receive(connection);
            while (!broken && connection->fd >= 0 && wire_holds_more(&connection->wire));
        }
    }
    if (broken && connection->fd >= 0) lost(connection);
}

static void start(void) {
    started = 1;
    uint64_t at = now();
    measured_from = at + (uint64_t)(warmup * 1e9);
    stop_at = measured_from + (uint64_t)(seconds * 1e9);
    if (mode == IDLE || mode == SLOW) {
        int open = 0;
        for (int i = 0; i < connections; i++) open += all[i].fd >= 0;
        printf("{\"open\":%d}\n", open);
        fflush(stdout);
    }
    for (int i = 0; i < connections; i++) {
        if (mode == SLOW && all[i].fd >= 0) {
            all[i].unsent = (size_t)1 << 40;
            if (flush(&all[i])) lost(&all[i]);
        }
        // Spread over one interval, so that packets of different connections do not come in bursts.
        if (mode == OPEN) all[i].next_due = at + interval() * (uint64_t)i / (uint64_t)connections;
        if ((mode == OPEN || mode == CLOSED) && all[i].fd >= 0 && send_due(&all[i], at)) lost(&all[i]);
    }
}

// New connections that are due. When all are taken, the one due waits, and its latency counts on.
static void arrive(uint64_t at) {
    static uint64_t due, number;
    static uint64_t began;
    if (!began) began = at;
    for (;;) {
        due = began + (uint64_t)((double)number * 1e9 / rate);
        if (due > at) return;
        if (!free_connections) {
            late++;
            return;
        }
        struct connection *connection = free_connections;
        free_connections = connection->next_free;
        number++;
        connection->next_due = due;
        if (dial(connection)) {
            failures++;
            connection->next_free = free_connections;
            free_connections = connection;
        }
    }
}

static void by_the_clock(uint64_t at) {
    static uint64_t last_drip;
    if (mode == ARRIVALS) arrive(at);
    if (mode == OPEN) {
        for (int i = 0; i < connections; i++) {
            struct connection *connection = &all[i];
            if (connection->fd < 0 || connection->next_due > at || connection->in_flight == depth) continue;
            if (send_due(connection, at)) lost(connection);
        }
    }
    if (mode == SLOW && at - last_drip >= 100000000u) {
        last_drip = at;
        for (int i = 0; i < connections; i++) {
            if (all[i].fd < 0) continue;
            ssize_t got = recv(all[i].fd, scratch, (size_t)drip, 0);
            if (got > 0 && at >= measured_from) bytes_in += (uint64_t)got;
            else if (got == 0 || (got < 0 && errno != EAGAIN)) lost(&all[i]);
        }
    }
}

// The descriptor limit bounds the herd; a wave at a time, so that a listen backlog is not overrun.
static void open_connections(void) {
    uint64_t limit = now() + 60000000000u;
    int next = 0;
    struct epoll_event events[1024];
    while (up < connections) {
        for (; next < connections && next - up < 100; next++) {
            if (dial(&all[next])) up++, failures++;
        }
        int ready = epoll_wait(poller, events, 1024, 100);
        for (int i = 0; i < ready; i++) handle(events[i].data.ptr, events[i].events);
        if (now() > limit) {
            fprintf(stderr, "load: %d of %d connections after a minute\n", up, connections);
            exit(1);
        }
    }
}

static void report(uint64_t ended) {
    uint64_t cpu = cpu_times() - cpu_before;
    int alive = 0;
    for (int i = 0; i < connections; i++) alive += all[i].fd >= 0;
    printf(
        "{\"mode\":\"%s\",\"connections\":%d,\"size\":%ld,\"depth\":%d,\"rate_wanted\":%.1f,\"seconds\":%.6f,"
        "\"requests\":%llu,\"failures\":%llu,\"refused\":%llu,\"late\":%llu,\"alive\":%d,\"bytes_in\":%llu,"
        "\"max_ns\":%llu,\"cpu_ns\":%llu,\"histogram\":",
        mode_names[mode], connections, size, depth, rate, (double)(ended - measured_from) / 1e9,
        (unsigned long long)latencies.count, (unsigned long long)failures, (unsigned long long)refused,
        (unsigned long long)late, alive, (unsigned long long)bytes_in, (unsigned long long)latencies.largest,
        (unsigned long long)cpu);
    histogram_print(&latencies, stdout);
    if (mode == OPEN || mode == ARRIVALS) {
        printf(",\"histogram_since_sent\":");
        histogram_print(&since_sent, stdout);
    }
    wire_print(stdout);
    printf("}\n");
}

static int usage(const char *word) {
    fprintf(stderr, "load: cannot use '%s'; the head of load.c says what there is\n", word);
    return 2;
}

static int parse_list(char *value, int *numbers, int *count) {
    for (char *part = strtok(value, ","); part && *count < 64; part = strtok(NULL, ",")) numbers[(*count)++] = atoi(part);
    return 0;
}

static int parse(char *word) {
    char *value = strchr(word, '=');
    if (!value) return -1;
    *value++ = 0;
    if (!strcmp(word, "mode")) {
        int i = 0;
        while (i < MODES && strcmp(value, mode_names[i])) i++;
        mode = (enum mode)i;
        return i == MODES ? -1 : 0;
    }
    if (!strcmp(word, "port")) return parse_list(value, ports, &port_count);
    if (!strcmp(word, "pid")) return parse_list(value, pids, &pid_count);
#ifdef TLS
    if (!strcmp(word, "resume")) return wire_resumes = atoi(value), 0;
#endif
    struct { const char *name; int *whole; long *large; double *real; } const keys[] = {
        {"connections", &connections, 0, 0}, {"depth", &depth, 0, 0}, {"first", &first, 0, 0},
        {"size", 0, &size, 0}, {"requests", 0, &requests, 0}, {"piece", 0, &piece, 0}, {"drip", 0, &drip, 0},
        {"seconds", 0, 0, &seconds}, {"warmup", 0, 0, &warmup}, {"rate", 0, 0, &rate},
    };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (strcmp(word, keys[i].name)) continue;
        if (keys[i].whole) *keys[i].whole = atoi(value);
        if (keys[i].large) *keys[i].large = atol(value);
        if (keys[i].real) *keys[i].real = atof(value);
        return 0;
    }
    return -1;
}

int main(int count, char **arguments) {
    for (int i = 1; i < count; i++) {
        if (parse(arguments[i])) return usage(arguments[i]);
    }
    if (!port_count) return usage("port=");
    if (connections < 1 || depth < 1 || size < 2 || seconds <= 0) return usage("numbers below their least");
#ifdef TLS
    if (mode == SLOW) return usage("mode=slow");
    signal(SIGPIPE, SIG_IGN);
#endif
    if ((mode == OPEN || mode == ARRIVALS) && rate <= 0) return usage("rate=");
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);

    // As many packets as may be in flight, so that a batch is one system call; of large ones, one.
    size_t copies = depth > 1 && (size_t)size * (size_t)depth <= 1u << 20 ? (size_t)depth : 1;
    pattern_length = copies * (size_t)size;
    pattern = malloc(pattern_length);
    scratch = malloc(scratch_length);
    all = calloc((size_t)connections, sizeof *all);
    if (!pattern || !scratch || !all) die("malloc");
    memset(pattern, 'x', pattern_length);
    for (size_t i = 1; i <= copies; i++) memcpy(pattern + i * (size_t)size - 2, "\r\n", 2);
    poller = epoll_create1(EPOLL_CLOEXEC);
    for (int i = connections - 1; i >= 0; i--) {
        all[i].fd = -1;
        all[i].number = i;
        if (!(all[i].packets = calloc((size_t)depth, sizeof *all[i].packets))) die("calloc");
        all[i].next_free = free_connections;
        free_connections = &all[i];
    }

    if (!one_packet_each()) open_connections();
    // The events CONNECTED of a herd are not part of what is measured after it.
    if (!one_packet_each() && mode != IDLE && mode != SLOW) usleep(connections > 100 ? 300000 : 50000);
    start();
    if (mode == STORM) {
        for (int i = 0; i < connections; i++) failures += dial(&all[i]) != 0;
    }

    // What is due is sent at most 50 us late, and that counts as the server's.
    struct timespec wait = {0, mode == OPEN || mode == ARRIVALS ? 50000 : 50000000};
    prctl(PR_SET_TIMERSLACK, 1000);
    struct epoll_event events[1024];
    uint64_t at;
    while (!finished(at = now())) {
        if (!measuring && at >= measured_from) {
            measuring = 1;
            cpu_before = cpu_times();
            wire_count_from_now();
        }
        by_the_clock(at);
        int ready = epoll_pwait2(poller, events, 1024, &wait, NULL);
        for (int i = 0; i < ready; i++) handle(events[i].data.ptr, events[i].events);
    }
    report(at);
    return 0;
}
