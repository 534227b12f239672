// The fuzz worker: an ordinary worker that echoes, and by chance does what a worker may do wrong.
//
//     FUZZ_SEED       what chance does: with the number of the process, see FUZZ_ORDER
//     FUZZ_ORDER      a file that each process adds a byte to: its size is the process's number
//     FUZZ_CALM       while there is such a file all workers are honest; they answer probes then and no CLOSE, so that
//                     the server knows what to expect before one is not
//     FUZZ_AHEAD      the server gives events ahead, with a question between each two of them, which a pid frame answers.
//                     One that is not asked for would answer the question behind the event that is read next: it says
//                     that this event is over, and no server can know better. So there is none then. Nor does a worker
//                     go on behind an answer that announces more than it wrote: the next event's, or the reply between
//                     the two, would be taken for the end of that. Nor is there an error frame in a reply's place: it
//                     would be the answer to a silent event, and what follows it the answer to another.
//     FUZZ_ONLY       verbs: echo is in the place of all that it does not contain; to look into a failure
//     WORKER_EVENTS   a file: every event is noted there before anything is done, a line of JSON, with its verb
//
// Verbs of an event, with how many in a thousand:
//
//     echo             600  the honest answer: DATA is written back as it came
//     pieces            70  the same in small pieces, with pauses
//     slow              40  the same after a pause, which may be longer than the server's patience
//     writeclose, close 20, 20
//     silent             8  no answer, as an application may forget it
//     early             10  CONTINUE before the packet is read
//     error             15  an error frame is the answer
//     answer-error      15  an error frame behind the answer, in one write
//     late-error        25  the same in two; the next event may be slow
//     error-answer      10  an error frame before the answer, in one write
//     refuse            10  {"stop":true}: noted as REFUSED, the event is another worker's
//     double            10  the answer twice, in one write
//     control           15  a control frame before or behind the answer in one write, or instead of it
//     mutate            20  the answer with some bytes changed, lost or too many
//     cut               15  the start of an answer, and then the end, nothing, or the next event
//     huge               3  an answer that is announced to be of up to 4 GiB
//     noise             12  text before, behind or instead of the answer
//     lose              30  closes some of descriptors 0 to 2, before or behind the answer
//     lose-later        30  the same some time later, wherever it is then
//     helper            25  a process that keeps some of them; this one may end then
//     die               20  before the answer, in the middle of it, or behind it, by exit or signal
//     bomb              10  dies some moments later
//     leave              5  leaves its process group, and may do nothing then
//     flood             12  much standard error
//     nothing            2  hangs
//
// Before, during and after the handshake, at a probe and at the stop it fails as well: see the functions below.
//
// A client can tell its own bytes from another's, since each packet is made of its client's name. So this worker may lie
// about anything but one thing: it never writes an answer after it has told the server, by an answer, an error frame or
// the reply to a probe, that it is free. No server can tell such an answer from the one to the next event. What is to be
// caught when it comes together with an answer (a second one, say) is written with it at once: see `both`.
#include "fuzz.h"

static uint8_t request[1 << 20], frame[(1 << 20) + 64], scratch[(1 << 21) + 256];
static const uint8_t *body;
static uint32_t body_length;
static size_t length;
static int events_log, is_data, is_slow_next;
// Whether something was written behind the answer to this event, and behind that to the last one: the server may not
// have read it when it sent this event.
static int is_behind, was_behind;
static const char *verb;

static int is_calm(void) {
    const char *path = getenv("FUZZ_CALM");
    return path && access(path, F_OK) == 0;
}

static int is_ahead(void) { return getenv("FUZZ_AHEAD") != NULL; }

static void answer(const char *context, const uint8_t *bytes, uint32_t count) {
    uint32_t size = (uint32_t)strlen(context);
    length = goridge_header(frame, size, count);
    memcpy(frame + length, context, size);
    memcpy(frame + length + size, bytes, count);
    length += size + count;
}

// Two frames, one write. Reads of the server end at even numbers of bytes, and nothing is unread: so where the first
// frame ends at an odd one, the server has at least a part of the second when it reads the first.
static void both(const uint8_t *first, size_t first_length, const uint8_t *second, size_t second_length) {
    static uint8_t joined[ATOMIC];
    if (was_behind || first_length % 2 == 0 || first_length + second_length > ATOMIC) {
        put(frame, length);
        return;
    }
    memcpy(joined, first, first_length);
    memcpy(joined + first_length, second, second_length);
    put(joined, first_length + second_length);
}

static void echo(void) { put(frame, length); }

static void pieces(void) {
    for (size_t at = 0, size; at < length; at += size) {
        size = 1 + pick(1 + (uint32_t)(length >> pick(8)));
        if (size > length - at) size = length - at;
        put(frame + at, size);
        if (chance(40)) usleep(pick(2000));
    }
}

static void slow(void) {
    usleep(1000 * (chance(12) ? 900 + pick(1900) : pick(60)));
    echo();
}

static void with_context(const char *context) {
    answer(context, body, body_length);
    echo();
}

static void error(void) { put(scratch, plain(scratch, ERROR, "fuzz: an error")); }

static void late_error(void) {
    echo();
    if (chance(50)) doze(20);
    put(scratch, plain(scratch, ERROR, "fuzz: a late error"));
    is_behind = 1;
    is_slow_next = chance(15);
}

static void twice(void) {
    if (length % 2 == 0) answer(is_data ? "WRITE" : "CLOSE", body, body_length - (is_data && body_length % 2));
    memcpy(scratch, frame, length);
    both(frame, length, scratch, length);
}

static void control(void) {
    uint32_t where = pick(3);
    // Its pid before an answer would be the one thing that it never does.
    size_t size = where != 0 && chance(40) && !is_ahead() ? pid_frame(scratch) : unasked(scratch);
    switch (where) {
    case 0: both(scratch, size, frame, length); break;
    case 1: both(frame, length, scratch, size); break;
    default:
        put(scratch, size);
        // Free or not, nothing that it says from now on is worth anything.
        if (chance(80)) die();
        nothing();
    }
    is_behind = 1;
}

static void mutated(void) {
    memcpy(scratch, frame, length);
    size_t size = mutate(scratch, length);
    put(scratch, size);
    if (is_ahead() && is_cut(scratch, size)) chance(70) ? die() : nothing();
    is_behind = 1;
}

static void cut(void) {
    put(frame, pick((uint32_t)length));
    if (chance(70)) die();
    // What it writes next would be the rest of this answer, up to its announced length: see FUZZ_AHEAD.
    if (chance(30) || is_ahead()) nothing();
    is_behind = 1;
}

static void huge(void) {
    store32(frame + 2, (uint32_t)draw());
    store32(frame + 6, goridge_checksum(frame));
    echo();
    if (chance(50)) nothing();
}

static void noisy(void) {
    uint32_t where = pick(3);
    if (where == 0) noise();
    if (where != 1) echo();
    if (where != 0) noise();
    is_behind = 1;
}

static void lossy(void) {
    int is_first = chance(40);
    if (is_first) lose();
    if (chance(80)) echo();
    if (!is_first) lose();
    if (chance(30)) nothing();
}

static void with_helper(void) {
    helper();
    if (chance(30)) die();
    echo();
    if (chance(40)) die();
}

static void dying(void) {
    switch (pick(3)) {
    case 0: break;
    case 1: put(frame, pick((uint32_t)length)); break;
    default: echo(); doze(2);
    }
    die();
}

static void choose(uint32_t kind) {
    static const struct {
        uint32_t weight;
        const char *name;
    } verbs[] = {
        {600, "echo"}, {70, "pieces"}, {40, "slow"}, {20, "writeclose"}, {20, "close"}, {8, "silent"}, {10, "early"},
        {15, "error"}, {15, "answer-error"}, {25, "late-error"}, {10, "error-answer"}, {10, "refuse"}, {10, "double"},
        {15, "control"}, {20, "mutate"}, {15, "cut"}, {3, "huge"}, {12, "noise"}, {30, "lose"}, {30, "lose-later"},
        {25, "helper"}, {20, "die"}, {10, "bomb"}, {5, "leave"}, {12, "flood"}, {2, "nothing"},
    };
    uint32_t total = 0, count = sizeof verbs / sizeof *verbs;
    for (uint32_t i = 0; i < count; i++) total += verbs[i].weight;
    uint32_t point = pick(total), i = 0;
    while (point >= verbs[i].weight) point -= verbs[i++].weight;
    const char *only = getenv("FUZZ_ONLY");
    verb = only && !strstr(only, verbs[i].name) ? "echo" : verbs[i].name;
    if (is_calm()) verb = kind == 'L' ? "silent" : "echo";
    else if (is_slow_next) verb = "slow";
    else if (kind == 'L' && chance(20) && !only) verb = "silent";
}

static int is(const char *name) { return strcmp(verb, name) == 0; }

static void act(void) {
    if (is("echo")) echo();
    else if (is("pieces")) pieces();
    else if (is("slow")) {
        if (is_slow_next) usleep(2200000), echo();
        else slow();
        is_slow_next = 0;
    }
    else if (is("writeclose")) with_context("WRITECLOSE");
    else if (is("close")) with_context("CLOSE");
    else if (is("error")) error();
    else if (is("answer-error")) {
        both(frame, length, scratch, plain(scratch, ERROR, "fuzz: an error behind an answer"));
        is_behind = 1;
    }
    else if (is("late-error")) late_error();
    else if (is("error-answer")) both(scratch, plain(scratch, ERROR, "fuzz: an error before an answer"), frame, length);
    else if (is("refuse")) answer("{\"stop\":true}", body, 0), echo();
    else if (is("double")) twice();
    else if (is("control")) control();
    else if (is("mutate")) mutated();
    else if (is("cut")) cut();
    else if (is("huge")) huge();
    else if (is("noise")) noisy();
    else if (is("lose")) lossy();
    else if (is("lose-later")) lose_later(500), echo();
    else if (is("helper")) with_helper();
    else if (is("die")) dying();
    else if (is("bomb")) bomb(30), echo();
    else if (is("leave")) {
        leave();
        if (chance(30)) nothing();
        echo();
    }
    else if (is("flood")) flood(), echo();
    else if (is("nothing")) nothing();
}

// A name is ~, twelve hexadecimal digits, ~. Whether all that are here are of one client.
static int is_pure(void) {
    for (uint32_t at = 0; at + 14 <= body_length; at++) {
        if (body[at] != '~' || body[at + 13] != '~') continue;
        if (memcmp(body + at, body, 14) != 0) return 0;
        at += 13;
    }
    return 1;
}

// The packet's name and number.
static int title_length(void) {
    uint32_t end = 0;
    for (int spaces = 0; end < body_length && end < 40; end++) {
        if (body[end] == ' ' && ++spaces == 2) break;
        if (body[end] < ' ') break;
    }
    return (int)end;
}

static void note(const char *context, uint32_t context_length) {
    static char line[1024];
    int size;
    if (is("refuse"))
        size = snprintf(line, sizeof line, "{\"event\":\"REFUSED\",\"pid\":%d}\n", (int)getpid());
    else
        size = snprintf(
            line, sizeof line, "%.*s,\"verb\":\"%s\",\"title\":\"%.*s\",\"length\":%u,\"pid\":%d}\n",
            (int)context_length - 1, context, is("early") || is_pure() ? verb : "foreign", is("early") ? 0 : title_length(), body,
            body_length, (int)getpid());
    if (write(events_log, line, (size_t)size) != size) _exit(9);
}

static void serve(uint32_t payload) {
    uint32_t context = goridge_option(request);
    uint8_t *at = request + GORIDGE_WITH_OPTION;
    take(at, context);
    // "event":"CONNECTED", "DATA" or "CLOSE" ends it: the second letter of the name tells.
    uint8_t *name = memmem(at, context, "\"event\":\"", 9);
    uint32_t kind = name[10];
    is_data = kind == 'A';
    body = at + context;
    body_length = payload - context;
    was_behind = is_behind;
    is_behind = 0;
    choose(kind);
    if (is("early")) {
        note((char *)at, context);
        answer("CONTINUE", body, 0);
        echo();
        take(at + context, body_length);
        return;
    }
    take(at + context, body_length);
    note((char *)at, context);
    if (is_data) answer("WRITE", body, body_length);
    else answer(kind == 'L' ? "CLOSE" : "CONTINUE", body, 0);
    act();
}

static void reply(void) {
    size_t size = pid_frame(scratch);
    is_behind = 1;
    if (!is_calm() && chance(10)) {
        switch (pick(6)) {
        // One that read on would break the one promise: what is behind a probe is begun after the reply.
        case 0: nothing();
        case 1: doze(200); break;
        case 2:
            size = mutate(scratch, size);
            if (is_ahead() && scratch[1] & ERROR) die();
            break;
        case 3: size += is_ahead() ? unasked(scratch + size) : pid_frame(scratch + size); break;
        case 4: noise(); break;
        default: die();
        }
    }
    put(scratch, size);
}

static void stop(void) {
    static const uint8_t none[1];
    if (!is_calm() && chance(30)) {
        switch (pick(5)) {
        case 0: nothing();
        case 1: noise(); break;
        case 2: lose(); nothing();
        case 3: helper(); break;
        default: die();
        }
    }
    answer("CLOSE", none, 0);
    echo();
    _exit(0);
}

static void shake_hands(void) {
    uint32_t fault = is_calm() || getenv("FUZZ_ONLY") || !chance(8) ? 99 : pick(16);
    switch (fault) {
    case 0: die();
    case 1: noise(); break;
    case 2: lose(); break;
    case 3: helper(); break;
    case 4: bomb(20); break;
    case 5: doze(300); break;
    case 6: leave(); break;
    }
    take(request, GORIDGE_FIXED);
    take(request + GORIDGE_FIXED, goridge_payload_length(request));
    length = pid_frame(frame);
    switch (fault) {
    case 7: die();
    case 8: length = mutate(frame, length); break;
    case 9: length += unasked(frame + length); break;
    case 10: length = plain(frame, ERROR, "fuzz: an error at the start"); break;
    case 11: length = unasked(frame); break;
    case 12: put(frame, pick((uint32_t)length)); die();
    case 13: pieces(); return;
    case 14: echo(); die();
    case 15: echo(); lose(); return;
    }
    echo();
}

int main(void) {
    const char *number = getenv("FUZZ_SEED");
    int order = open(getenv("FUZZ_ORDER"), O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (order < 0 || write(order, "x", 1) != 1) return 9;
    seed = (number ? strtoull(number, NULL, 10) : 0) + ((uint64_t)lseek(order, 0, SEEK_CUR) << 32);
    close(order);
    int file = open(getenv("WORKER_EVENTS"), O_WRONLY | O_CREAT | O_APPEND, 0600);
    // Out of the way of what is lost and opened again.
    events_log = fcntl(file, F_DUPFD_CLOEXEC, 100);
    close(file);
    if (events_log < 0) return 9;
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);

    shake_hands();
    for (;;) {
        take(request, GORIDGE_FIXED);
        uint32_t payload = goridge_payload_length(request), head = goridge_header_length(request);
        if (goridge_checksum(request) != load32(request + 6) || head > GORIDGE_WITH_OPTION ||
            payload > sizeof request - head) {
            fprintf(stderr, "fuzz: what the server wrote is no frame\n");
            static const char line[] = "{\"event\":\"NO FRAME\",\"pid\":0}\n";
            return write(events_log, line, sizeof line - 1) > 0 ? 9 : 10;
        }
        take(request + GORIDGE_FIXED, head - GORIDGE_FIXED);
        if (!goridge_is_control(request)) {
            serve(payload);
            continue;
        }
        take(request + head, payload);
        if (memmem(request + head, payload, "\"stop\":true", 11)) stop();
        reply();
    }
}
